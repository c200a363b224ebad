import type { RunnerItem } from '../runner-store/runner-item.ts';
import { createFlow } from './flow.ts';
import { indexRunnerKinds, type Kind, kindOf } from './kind.ts';

/** Says whether the item's runner may exist in GitLab or on AWS. */
export function hasRunner(item: RunnerItem): boolean {
  return ['REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'].includes(item.state);
}

/** A runner, or one that is on its way, which has no job and whose own job needs none any more. */
export function isSpare(item: RunnerItem): boolean {
  const isIdle = ['ADMITTED', 'REGISTERED', 'LAUNCHED'].includes(item.state) && !item.takenJob;
  return isIdle && item.jobState !== 'PENDING';
}

/**
 * A job that waits although its own runner took another job, or ended without any. One that its own runner had waits no
 * more.
 */
export function isStarved({ jobState, state, takenJob, pk }: RunnerItem): boolean {
  return jobState === 'PENDING' && takenJob !== pk && (state === 'RELEASED' || takenJob !== undefined);
}

/** Of a starved job: it has no runner any more, and can ask for one itself. */
export function isAlone({ state }: RunnerItem): boolean {
  return state === 'RELEASED';
}

/** Runners without a job that no waiting job needs. */
export function idleBeyondDemand(live: readonly RunnerItem[]): readonly RunnerItem[] {
  return demandOf(live).unneeded;
}

/** Idle runners that no waiting job needs, and starved jobs for whom there is no idle runner. */
export type Demand = { readonly unneeded: readonly RunnerItem[]; readonly unserved: readonly RunnerItem[] };

/**
 * Holds jobs that starve against idle runners, by kind: as many jobs as possible are served. A job that waits and its
 * own runner that is on its way are a pair, and in neither count.
 *
 * @param last starved jobs that come after all others.
 */
export function demandOf(live: readonly RunnerItem[], last?: (item: RunnerItem) => boolean): Demand {
  const { unneeded, unserved } = balance(live, last);
  return { unneeded, unserved: unserved.flat() };
}

/**
 * Of the starved jobs that get nothing, one that would have the given runner, were it idle: of the same kind, or by
 * passing runners on. Null when none would.
 */
export function whoLacks(runner: RunnerItem, live: readonly RunnerItem[]): RunnerItem | null {
  const { flow, runnerKinds, unserved } = balance(live, undefined, [runner]);
  const kind = runnerKinds.get(kindOf(runner).key);
  const job =
    kind === undefined
      ? null
      : flow.whoLacks(
          kind,
          unserved.map(({ length }) => length),
        );
  return job === null ? null : (unserved[job]?.[0] ?? null);
}

/** Items of one kind, in the order in which they are served, or kept. */
type Group = { readonly kind: Kind; readonly items: readonly RunnerItem[] };

function balance(
  live: readonly RunnerItem[],
  last: (item: RunnerItem) => boolean = () => false,
  gone: readonly RunnerItem[] = [],
) {
  const spares = groupByKind(live.filter(isSpare).sort(byAge), gone);
  // Who can ask for a runner itself needs the idle ones least.
  const starved = groupByKind(
    live.filter(isStarved).sort((a, b) => Number(isAlone(a)) - Number(isAlone(b)) || byAge(a, b)),
  );
  const fitting = indexRunnerKinds(spares.map(({ kind }) => kind));
  const jobs = starved.map(({ items }) => [items.filter((item) => !last(item)), items.filter(last)] as const);
  const flow = createFlow(
    starved.map(({ kind }) => fitting(kind)),
    spares.map(({ items }) => items.length),
  );
  const left = flow.serve(jobs.map(([first]) => first.length));
  const lastLeft = flow.serve(jobs.map(([, second]) => second.length));
  return {
    flow,
    runnerKinds: new Map(spares.map(({ kind }, index) => [kind.key, index])),
    unneeded: spares.flatMap(({ items }, kind) => tail(items, flow.free[kind] ?? 0)),
    unserved: jobs.map(([first, second], kind) => [
      ...tail(first, left[kind] ?? 0),
      ...tail(second, lastLeft[kind] ?? 0),
    ]),
  };
}

/** `also`: of these the kinds alone. */
function groupByKind(items: readonly RunnerItem[], also: readonly RunnerItem[] = []): readonly Group[] {
  const groups = new Map<string, { readonly kind: Kind; readonly items: RunnerItem[] }>();
  const groupOf = (item: RunnerItem) => {
    const kind = kindOf(item);
    const group = groups.get(kind.key) ?? { kind, items: [] };
    groups.set(kind.key, group);
    return group;
  };
  for (const item of items) groupOf(item).items.push(item);
  for (const item of also) groupOf(item);
  return [...groups.values()];
}

function byAge(a: RunnerItem, b: RunnerItem): number {
  if (a.admittedAt === b.admittedAt) return a.pk < b.pk ? -1 : 1;
  return a.admittedAt < b.admittedAt ? -1 : 1;
}

function tail<Item>(items: readonly Item[], count: number): readonly Item[] {
  return items.slice(items.length - count);
}
