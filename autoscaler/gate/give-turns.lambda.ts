import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import type { ListedJob } from '../../infrastructure/lib/gitlab-listings.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/lib/job-key.ts';
import { type LambdaContext, lambdaHandler, readEnvironment } from '../../infrastructure/lib/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/lib/log.ts';
import { eventBusEnvironment, routingEnvironment } from '../environment.ts';
import { createEventBus } from '../event-bus.client.ts';
import type { EventBus } from '../event-bus.ts';
import { createJobMappings, type JobMappings } from '../job-mappings/job-mappings.client.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { createDocumentClient, createTables } from '../live-tables.client.ts';
import type { RunnerItem } from '../runners/runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from '../runners/runners-store.ts';
import type { Offer } from '../start-runner/choose-runner.ts';
import { askProtection } from './ask-protection.ts';
import { carryOutTurns, followUp } from './carry-out-turns.ts';
import { decideTurns, type Turns } from './decide-turns.ts';
import { emptyGate } from './gate-item.ts';
import { type GateLook, type GateView, viewOf } from './gate-view.ts';
import { canBePaused, type PausePorts, pauseIdle } from './pause.ts';
import { profilesByMapping } from './profile-of-listed.ts';
import { type TurnsWanted, turnsWantedSchema } from './turns-wanted.ts';

export type GiveTurnsPorts = {
  readonly gitlab: Pick<GitLab, 'allPendingJobs' | 'isProtectedRef'> & PausePorts['gitlab'];
  readonly store: RunnersStore;
  readonly bus: EventBus;
  readonly mappings: JobMappings;
  readonly offer: Omit<Offer, 'mappings'>;
  readonly now: () => number;
};

/** Somebody else decides at the same moment, or a runner goes on: then it is looked again. */
const mostLooks = 8;
/** What one more look may take. */
const lookMilliseconds = 10_000;

/**
 * Decides which runners of a project may ask GitLab for a job. One decision at a time: it is written together with what
 * it lets go and holds, over the one before, or it is made anew. GitLab is asked for its pending jobs only when our own
 * table alone would let somebody go, or tells of nothing that the event is about.
 *
 * @throws {RunnerStateChangedError} when others were faster at every look; the next event or pass looks again.
 */
export async function giveTurns(
  { projectId, jobId }: TurnsWanted,
  ports: GiveTurnsPorts,
  { log, remainingMilliseconds }: LambdaContext,
): Promise<{ readonly go: number; readonly hold: number }> {
  let listed: readonly ListedJob[] | null = null;
  const paused = new Map<JobKey, string>();
  const protection = new Map<string, boolean>();
  const sum = { go: 0, hold: 0 };
  for (let looks = 1; ; looks += 1) {
    const own = jobId === null ? null : jobKeyOf({ projectId, jobId });
    const look: GateLook = { ...(await lookAt(projectId, own, ports)), listed, paused, protection };
    if (look.items.every(({ gated }) => !gated) && look.gate.turns.length === 0 && look.gate.holds.length === 0)
      return sum;
    const isAboutOthers = own !== null && !look.items.some(({ pk }) => pk === own);
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
      const mayLookAgain = looks < mostLooks && remainingMilliseconds() > lookMilliseconds;
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
  own: JobKey | null,
  ports: GiveTurnsPorts,
): Promise<Omit<GateLook, 'listed' | 'paused' | 'protection'>> {
  const { store, mappings } = ports;
  const now = ports.now();
  const [gate, live, item, rows] = await Promise.all([
    store.readGate(projectId),
    store.readLive(),
    own && store.read(own),
    mappings.read(),
  ]);
  const items = live.filter(({ event, pk }) => event.projectId === projectId && pk !== item?.pk);
  if (item) items.push(item);
  const written = await Promise.all((gate?.turns ?? []).map(({ runnerOf }) => store.read(runnerOf)));
  const profileOf = profilesByMapping(projectId, items, { ...ports.offer, mappings: rows.mappings });
  return { projectId, gate: gate ?? emptyGate(projectId), items, written, profileOf, claimed: new Set(), now };
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
      gitlab: createGitLabFromEnvironment(),
      bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
      mappings: createJobMappings(dynamodb, MAPPINGS_TABLE, Date.now),
      offer: { profiles: PROFILES, defaultRunner: DEFAULT_RUNNER, maxConcurrent: MAX_CONCURRENT, exact: EXACT },
    };
  },
  work: giveTurns,
});
