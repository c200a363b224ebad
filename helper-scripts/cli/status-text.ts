import type { RunnerItem } from '../../autoscaler/runners/runner-item.ts';
import { parseJobKey } from '../../infrastructure/lib/job-key.ts';
import { printable } from './table.ts';

/** Head of the table of {@link statusCells}. */
export const statusHead = ['job', 'name', 'state', 'type', 'profile', 'attempt', 'host', 'age', 'failure'] as const;

/** A live runner as a row of the table for people; `now` is in milliseconds since 1970. */
export function statusCells(item: RunnerItem, now: number): string[] {
  const { event, state, type, profile, attempt, failure = '' } = item;
  const job = `${event.projectId}/${event.jobId}`;
  const age = ageText(now - Date.parse(item.admittedAt));
  return [job, event.jobName, state, type, profile, String(attempt), hostOf(item), age, failure].map(printable);
}

/** Everything known of one runner, as pairs of what and value, in the order of its life. */
export function statusDetails(item: RunnerItem, now: number): (readonly [string, string])[] {
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
    ['attempt', item.attempt],
    ['mapping', item.mapping ?? '(none: the default runner)'],
    ['runs on', `${item.type} ${item.profile}`],
    ['tags', item.tags.join(', ')],
    ['timeout', `${item.timeoutSeconds / 60} min`],
    ['limits', item.caps.map(({ counter, limit }) => `${counter} <= ${limit}`).join(', ')],
    ['runner in GitLab', item.runnerId],
    ['host', hostOf(item)],
    ['took another job', taken ? `${taken.projectId}/${taken.jobId}` : ''],
    ['waits since', item.jobState === 'PENDING' ? time(event.occurredAt) : ''],
    ['admitted', time(item.admittedAt)],
    ['registered', time(item.registeredAt)],
    ['launched', time(item.launchedAt)],
    ['picked up', time(item.pickedUpAt)],
    ['stopped', time(item.stoppedAt)],
    ['failure', item.failure],
    ['kept until', item.expiresAt === undefined ? '' : new Date(item.expiresAt * 1_000).toISOString()],
  ];
  return details
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([what, value]) => [what, printable(String(value))]);
}

/** A time span in the unit that says most: `95 s`, `12 min`, `5 h`, `3 d`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Where the runner lives: an instance, or a function by its name. */
function hostOf({ instanceId, functionArn }: RunnerItem): string {
  return instanceId ?? functionArn?.split(':function:')[1] ?? '';
}
