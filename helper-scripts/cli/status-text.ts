import { placeText } from '../../autoscaler/runner-store/misplaced.ts';
import { attemptsUsed, type RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import { printable } from './table.ts';
import { ageText } from './time-text.ts';
import { type HoldOf, isWaitingForTurn, turnRemedy, turnText } from './turn-text.ts';
import { troubleOf } from './wait-troubles.ts';
import { capText, fullCaps, lookText, type PlacesTaken, reasonText, waitText } from './waiting-text.ts';

/** Head of the table of {@link statusCells}. */
export const statusHead = ['job', 'name', 'state', 'type', 'profile', 'attempt', 'host', 'age', 'why'] as const;

/** A live runner as a row of the table for people; `now` is in milliseconds since 1970. */
export function statusCells(
  item: RunnerItem,
  now: number,
  taken: PlacesTaken = new Map(),
  holdOf: HoldOf = () => undefined,
): string[] {
  const { event, state, type, profile, attempt, failure = '' } = item;
  const why = isWaitingForTurn(item)
    ? turnText(holdOf(item), now)
    : state === 'WAITING'
      ? waitText(item, taken, now)
      : (misplacedText(item) ?? failure);
  const job = `${event.projectId}/${event.jobId}`;
  const age = ageText(now - Date.parse(item.admittedAt));
  return [job, event.jobName, state, type, profile, String(attempt), hostOf(item), age, why].map(printable);
}

/** Everything known of one runner, as pairs of what and value, in the order of its life. */
export function statusDetails(
  item: RunnerItem,
  now: number,
  places: PlacesTaken = new Map(),
  holdOf: HoldOf = () => undefined,
): (readonly [string, string])[] {
  const { event } = item;
  const time = (text: string | undefined) =>
    text === undefined ? '' : `${text} (${ageText(now - Date.parse(text))} ago)`;
  const taken = item.takenJob === undefined || item.takenJob === item.pk ? null : parseJobKey(item.takenJob);
  const details: readonly (readonly [string, string | number | undefined])[] = [
    ['job', `${event.projectId}/${event.jobId}  ${event.jobName}`],
    ['project', event.projectPath ?? ''],
    ['pipeline, stage, ref', [event.pipelineId, event.stage, event.ref].filter(Boolean).join(', ')],
    ['state', `${item.state}${item.live ? '' : ' (ended)'}`],
    ['the job is', item.jobState],
    ['attempt', attemptText(item)],
    ...(isWaitingForTurn(item) ? turnDetails(item, now, holdOf) : waitDetails(item, now, places)),
    ['mapping', item.mapping ?? '(none: the default runner)'],
    ['runs on', `${item.type} ${item.profile}`],
    ['tags', item.tags.join(', ')],
    ['timeout', `${item.timeoutSeconds / 60} min`],
    ['limits', item.caps.map(({ counter, limit }) => `${counter} <= ${limit}`).join(', ')],
    ['runner in GitLab', item.runnerId],
    ['host', hostOf(item)],
    ['took another job', taken ? `${taken.projectId}/${taken.jobId}` : ''],
    ['in the wrong place', misplacedText(item)],
    ['pending since', item.jobState === 'PENDING' ? time(event.occurredAt) : ''],
    ['admitted', time(item.admittedAt)],
    ['registered', time(item.registeredAt)],
    ['launched', time(item.launchedAt)],
    ['its turn came', time(item.turnAt)],
    ['picked up', time(item.pickedUpAt)],
    ['stopped', time(item.stoppedAt)],
    ['failure', item.failure],
    ['what to do', remedyFor(item)],
    ['kept until', item.expiresAt === undefined ? '' : new Date(item.expiresAt * 1_000).toISOString()],
  ];
  return details
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([what, value]) => [what, printable(String(value))]);
}

/** Says of a job that took this runner, and should have run elsewhere, where. */
function misplacedText({ misplaced }: RunnerItem): string | undefined {
  const job = misplaced && parseJobKey(misplaced.job);
  if (!job) return undefined;
  const by = misplaced.mapping === null ? '' : ` by the mapping "${misplaced.mapping}"`;
  return `job ${job.projectId}/${job.jobId} took it, and should run on ${placeText(misplaced)}${by}; tags of their own keep profiles apart`;
}

/** Attempts that are no fault of their runners do not count against `maxAttempts`. */
function attemptText(item: RunnerItem): string {
  const used = attemptsUsed(item);
  return used === item.attempt ? `${used}` : `${item.attempt}, of which ${used} count${used === 1 ? 's' : ''}`;
}

function turnDetails(item: RunnerItem, now: number, holdOf: HoldOf): (readonly [string, string])[] {
  const since = item.waitsFor?.since ?? item.admittedAt;
  return [
    ['waits because', turnText(holdOf(item), now)],
    ['waits since', `${since} (${ageText(now - Date.parse(since))} ago)`],
  ];
}

function waitDetails(
  { state, waitsFor, waitedFor, caps }: RunnerItem,
  now: number,
  taken: PlacesTaken,
): (readonly [string, string])[] {
  if (state !== 'WAITING') return [];
  if (!waitsFor) {
    const full = fullCaps(caps, taken);
    return [
      ['waits for a place', (full.length > 0 ? full : caps).map((cap) => capText(cap, taken)).join(', ')],
      ['waited before because', waitedFor ? reasonText(waitedFor) : ''],
    ];
  }
  return [
    ['waits because', reasonText(waitsFor)],
    ['waits since', `${waitsFor.since} (${ageText(now - Date.parse(waitsFor.since))} ago)`],
    ['next look', `${waitsFor.lookAt} (${lookText(waitsFor, now)})`],
  ];
}

function remedyFor(item: RunnerItem): string {
  const { state, jobState, waitsFor, event } = item;
  if (jobState !== 'PENDING') return '';
  if (isWaitingForTurn(item)) return `nothing, its turn comes; ${turnRemedy}`;
  const retry = `"retry ${event.projectId}/${event.jobId}"`;
  if (state === 'FAILED') return `when no other attempt follows: mend that, and ${retry} gives it new ones`;
  if (state !== 'WAITING' || !waitsFor) return '';
  return `${troubleOf(waitsFor.error).remedy}; ${retry} looks at once`;
}

/** Where the runner lives: an instance, or a function by its name. */
function hostOf({ instanceId, functionArn }: RunnerItem): string {
  return instanceId ?? functionArn?.split(':function:')[1] ?? '';
}
