import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { Host } from './hosts-model.ts';
import { type HandOut, judgePlacement, type LineChange, type Placement } from './placement.ts';
import { canRun, type SimulatedJob, type SimulatedRunner } from './simulated-job.ts';

/** What a run came to: how many jobs ran where. */
export type Placements = Readonly<Record<Placement | 'taken by others', number>>;

export type PlacementsWatch = ReturnType<typeof createPlacementsWatch>;

/**
 * A long-lived runner with more tags than the job that its host was started for fits jobs of which nobody here can
 * know.
 */
function isBeyond(tags: readonly string[], runner: SimulatedRunner, job: SimulatedJob): boolean {
  return runner.managers !== undefined && !canRun({ ...runner, tags, runUntagged: tags.length === 0 }, job);
}

/** Watches which runner each job is given to, and whether it could have been another one. */
export function createPlacementsWatch({
  now,
  runners,
  itemOf,
  lookOf,
  profilesOf,
}: {
  readonly now: () => number;
  readonly runners: ReadonlyMap<number, SimulatedRunner>;
  readonly itemOf: (job: JobKey) => RunnerItem | undefined;
  /** When it was decided that the runner of an item may ask, as its ticket is put where its host finds it. */
  readonly lookOf: (item: RunnerItem) => number;
  /** Where the mappings let a job run; nowhere when it is left to others. */
  readonly profilesOf: (job: SimulatedJob) => readonly string[];
}) {
  const changes: (LineChange & { readonly job: SimulatedJob })[] = [];
  /** Who may ask, and since when, by token; for managers of one runner by their host. */
  const mayAsk = new Map<
    string,
    { readonly profile: string; readonly tags: readonly string[]; readonly lookedAt: number }
  >();
  const counts = { 'as mapped': 0, excused: 0, passed: 0, misplaced: 0, 'taken by others': 0 };
  /** Those that nothing excuses. */
  const misplaced: HandOut[] = [];
  const note = (job: SimulatedJob, what: LineChange['what']) => changes.push({ at: now(), jobId: job.id, job, what });

  return {
    counts: counts as Placements,
    misplaced: misplaced as readonly HandOut[],
    /** The hook that GitLab sends of a job. */
    sawHook(job: SimulatedJob, status: string): void {
      if (status === 'pending') note(job, 'came');
      if (job.pendingAt !== null && job.startedAt === null && job.finishedAt !== null) note(job, 'left');
    },
    sawPassedOver: (job: SimulatedJob): unknown => note(job, 'passed over'),
    /** A ticket that its host can claim is what lets a runner ask; under a job's key it waits for a host. */
    sawWrite(parts: readonly StoreWrite[]): void {
      for (const part of parts) {
        if (part.kind !== 'put-ticket' || part.ticket.id === part.ticket.job || part.ticket.token === '') continue;
        const { id, token, job, mode } = part.ticket;
        const item = itemOf(job);
        if (item)
          mayAsk.set(mode === 'manager' ? (item.instanceId ?? id) : token, {
            ...{ profile: item.profile, tags: item.tags },
            lookedAt: lookOf(item),
          });
      }
    },
    /** A runner was given its job. */
    sawTaken({ name, token, job }: Host): void {
      const runner = runners.get(job?.runnerId ?? 0);
      if (!job || !runner) return;
      const its = mayAsk.get(runner.managers ? name : (token ?? ''));
      if (!its) {
        note(job, 'taken by others');
        counts['taken by others'] += 1;
        return;
      }
      const ofLine = changes.filter((change) => change.at >= its.lookedAt && canRun(runner, change.job));
      const pendingAt = job.pendingAt ?? now();
      const handOut = { ...its, jobId: job.id, profiles: profilesOf(job), pendingAt, changes: ofLine };
      const placement = judgePlacement(handOut);
      counts[placement] += 1;
      if (placement === 'misplaced' && !isBeyond(its.tags, runner, job)) misplaced.push(handOut);
    },
  };
}
