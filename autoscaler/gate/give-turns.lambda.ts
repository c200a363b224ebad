import { randomUUID } from 'node:crypto';
import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import type { ListedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { Offer } from '../demand/choose-runner.ts';
import { eventBusEnvironment, routingEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createJobMappings, type JobMappings } from '../job-mappings/job-mappings.client.ts';
import { emptyGate } from '../runner-store/gate-item.ts';
import { createDocumentClient, createTables } from '../runner-store/live-tables.client.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runner-store/runners-store.ts';
import { tablesEnvironment } from '../runner-store/tables-environment.ts';
import { askProtection } from './ask-protection.ts';
import { carryOutTurns, followUp } from './carry-out-turns.ts';
import { decideTurns, type Turns } from './decide-turns.ts';
import { createGateQueue } from './gate-queue.client.ts';
import { type GateLook, type GateView, viewOf } from './gate-view.ts';
import { decisionMilliseconds, type OneAtATimePorts, oneAtATime } from './one-at-a-time.ts';
import { canBePaused, type PausePorts, pauseIdle } from './pause.ts';
import { profilesByMapping } from './profile-of-listed.ts';
import { type TurnsWanted, turnsWantedSchema } from './turns-wanted.ts';

export type GiveTurnsPorts = OneAtATimePorts & {
  readonly gitlab: Pick<GitLab, 'allPendingJobs' | 'isProtectedRef'> & PausePorts['gitlab'];
  readonly store: RunnersStore;
  readonly mappings: JobMappings;
  readonly offer: Omit<Offer, 'mappings'>;
};

/** A runner goes on, or somebody else decides at the same moment: then it is looked again. */
const mostLooks = 8;

type Decided = { readonly go: number; readonly hold: number };

/** Decides whose turn it is in a project, for an event and for those that come meanwhile. */
export async function giveTurns(wanted: TurnsWanted, ports: GiveTurnsPorts, context: LambdaContext): Promise<Decided> {
  const sum = { go: 0, hold: 0 };
  await oneAtATime(wanted, ports, context, async (jobIds) => {
    const { go, hold } = await decideForProject(wanted.projectId, jobIds, ports, context);
    sum.go += go;
    sum.hold += hold;
  });
  return sum;
}

/**
 * Decides which runners of a project may ask GitLab for a job. One decision at a time: it is written together with what
 * it lets go and holds, over the one before, or it is made anew. GitLab is asked for its pending jobs only when our own
 * table alone would let somebody go, or tells of nothing that something happened to.
 *
 * `jobIds`: the jobs that something happened to, which are looked at as they are now.
 *
 * @throws {RunnerStateChangedError} when others were faster at every look.
 */
async function decideForProject(
  projectId: number,
  jobIds: readonly number[],
  ports: GiveTurnsPorts,
  { log, remainingMilliseconds }: LambdaContext,
): Promise<Decided> {
  const about = new Set(jobIds.map((jobId) => jobKeyOf({ projectId, jobId })));
  let listed: readonly ListedJob[] | null = null;
  const paused = new Map<JobKey, string>();
  const protection = new Map<string, boolean>();
  const sum = { go: 0, hold: 0 };
  for (let looks = 1; ; looks += 1) {
    const look: GateLook = { ...(await lookAt(projectId, about, ports)), listed, paused, protection };
    if (look.items.every(({ gated }) => !gated) && look.gate.turns.length === 0 && look.gate.holds.length === 0)
      return sum;
    const ours = new Set(look.items.map(({ pk }) => pk));
    const isAboutOthers = [...about].some((key) => !ours.has(key));
    const first = decide(look);
    if (!listed && (first.turns.go.length > 0 || (isAboutOthers && look.gate.turns.length > 0))) {
      listed = await ports.gitlab.allPendingJobs(projectId);
      looks -= 1;
      continue;
    }
    if (await askProtection(projectId, first.turns.unsureRefs, protection, ports.gitlab)) {
      looks -= 1;
      continue;
    }
    const { look: last, turns } = await decideUnclaimed(look, first, ports.store);
    try {
      if (turns.outOfTurn.length > 0 && (!listed || (await pauseOutOfTurn(last, turns, paused, ports, log)))) {
        // Whoever is in its way by our table may have gone.
        listed ??= await ports.gitlab.allPendingJobs(projectId);
        looks -= 1;
        continue;
      }
      const written = await carryOutTurns(last, turns, ports);
      sum.go += written.go.length;
      sum.hold += turns.hold.length;
      if (written.go.length > 0 || turns.hold.length > 0) {
        log.info('turns given', { go: written.go, hold: turns.hold, outOfTurn: turns.outOfTurn });
      }
      const passing = written.go.filter(({ passes }) => passes !== null);
      if (passing.length > 0) {
        const what = 'runners may ask although an earlier job is not theirs: nobody has started that for too long';
        log.count({ JobsPassed: passing.length }, what, { passing });
      }
      await followUp(last, written, ports, log);
      if (!written.isPart) return sum;
    } catch (error) {
      const mayLookAgain = looks < mostLooks && remainingMilliseconds() > decisionMilliseconds;
      if (!(error instanceof RunnerStateChangedError) || !mayLookAgain) throw error;
      log.info('the line went on meanwhile: looking again', { looks });
      listed = null;
    }
  }
}

/** In one look, so that it ends in time; the next look pauses others. */
const mostPauses = 5;

/** Who is paused, or was seen to have a job, is looked at once more. False when there is nobody new to be paused. */
async function pauseOutOfTurn(
  { written, now }: GateLook,
  { outOfTurn }: Turns,
  paused: Map<JobKey, string>,
  ports: GiveTurnsPorts,
  log: Log,
): Promise<boolean> {
  const asking = written.filter(
    (item): item is RunnerItem =>
      item !== null && outOfTurn.includes(item.pk) && canBePaused(item) && !paused.has(item.pk),
  );
  const next = asking.slice(0, Math.max(0, mostPauses - paused.size));
  for (const item of next) {
    // Also of one that went on, so that nobody is asked about twice.
    paused.set(item.pk, (await pauseIdle(item, now, ports, log)) ?? '');
  }
  return next.length > 0;
}

async function lookAt(
  projectId: number,
  about: ReadonlySet<JobKey>,
  { store, mappings, offer, now }: GiveTurnsPorts,
): Promise<Omit<GateLook, 'listed' | 'paused' | 'protection'>> {
  const startedAt = now();
  const [gate, live, own, rows] = await Promise.all([
    store.readGate(projectId),
    readLiveOfProject(projectId, store, offer),
    Promise.all([...about].map((key) => store.read(key))),
    mappings.read(),
  ]);
  const items = [...live.filter(({ pk }) => !about.has(pk)), ...own.filter((item) => item !== null)];
  const written = await Promise.all((gate?.turns ?? []).map(({ runnerOf }) => store.read(runnerOf)));
  const profileOf = profilesByMapping(projectId, items, { ...offer, mappings: rows.mappings });
  return {
    ...{ projectId, gate: gate ?? emptyGate(projectId), items, written, profileOf },
    ...{ claimed: new Set<JobKey>(), now: startedAt },
  };
}

/** Hosts of long-lived runners are indexed by their runner, which may work for many projects. */
async function readLiveOfProject(projectId: number, store: RunnersStore, { profiles }: GiveTurnsPorts['offer']) {
  if (!Object.values(profiles).some(({ longLived }) => longLived)) return store.readLiveOf(`project#${projectId}`);
  return (await store.readLive()).filter(({ event }) => event.projectId === projectId);
}

function decide(look: GateLook): { readonly view: GateView; readonly turns: Turns } {
  const view = viewOf(look);
  return { view, turns: decideTurns({ ...view, stuck: look.gate.stuck }, look.now) };
}

/** Whoever has claimed his ticket cannot be held any more; only those that are to be are looked at. */
async function decideUnclaimed(look: GateLook, first: ReturnType<typeof decide>, store: RunnersStore) {
  let [current, decided] = [look, first];
  for (;;) {
    const unknown = current.written.filter(
      (item): item is RunnerItem =>
        item?.state === 'LAUNCHED' && decided.turns.hold.includes(item.pk) && !current.claimed.has(item.pk),
    );
    const tickets = await Promise.all(unknown.map((item) => store.readTicket(item.ticketId ?? item.pk)));
    const claimed = unknown.filter((_, index) => !tickets[index]?.token).map(({ pk }) => pk);
    if (claimed.length === 0) return { look: current, ...decided };
    current = { ...current, claimed: new Set([...current.claimed, ...claimed]) };
    decided = decide(current);
  }
}

export const handler = lambdaHandler({
  input: turnsWantedSchema,
  logFields: ({ projectId, jobId }) => ({ projectId, jobId }),
  ports: () => {
    const { MAPPINGS_TABLE, PROFILES, DEFAULT_RUNNER, MAX_CONCURRENT, EXACT } = readEnvironment(routingEnvironment);
    const dynamodb = createDocumentClient();
    return {
      ...createTables(dynamodb),
      gateQueue: createGateQueue(dynamodb, readEnvironment(tablesEnvironment).RUNNERS_TABLE),
      gitlab: createGitLabFromEnvironment(),
      bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
      mappings: createJobMappings(dynamodb, MAPPINGS_TABLE, Date.now),
      offer: { profiles: PROFILES, defaultRunner: DEFAULT_RUNNER, maxConcurrent: MAX_CONCURRENT, exact: EXACT },
      randomId: randomUUID,
    };
  },
  work: giveTurns,
});
