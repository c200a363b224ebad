import type { JobEvent } from '../lib/job-event.ts';
import type { JobEventType } from '../lib/job-event-types.ts';
import { parseGitLabTime } from './gitlab-time.ts';

/** What a hook's body means to us. Numbers that could be read are kept for the log, even when the event is ignored. */
export type JobHook =
  | { readonly kind: 'event'; readonly type: JobEventType; readonly event: JobEvent }
  | {
      readonly kind: 'ignored';
      readonly reason: string;
      readonly projectId: number | null;
      readonly jobId: number | null;
    };

/** How and when a hook arrived; `receivedAt` is ISO 8601. */
export type Arrival = { readonly receivedAt: string; readonly deliveryId: string | null };

const eventTypes = new Map<unknown, JobEventType>([
  ['pending', 'Job Pending'],
  ['running', 'Job Running'],
  ['success', 'Job Finished'],
  ['failed', 'Job Finished'],
  ['canceled', 'Job Finished'],
]);

/** GitLab allows 255 characters; only a template of somebody's own can send more, and workflows take 256 KiB in all. */
const longestTextCharacters = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a job hook as GitLab 8 to 19 and custom templates send it: fields may be absent, null, or numbers in
 * quotes. The body tells what happened, not the `X-Gitlab-Event` header. Never throws.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events
 */
export function readJobHook(body: unknown, arrival: Arrival): JobHook {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { kind: 'ignored', reason: 'the body is not a JSON object', projectId: null, jobId: null };
  }
  const payload = body as Fields;
  const { object_kind: kind, build_status: status } = payload;
  const project = fieldsOf(payload.project);
  const projectId = positiveInteger(payload.project_id) ?? positiveInteger(project.id);
  const jobId = positiveInteger(payload.build_id);
  const ignore = (reason: string): JobHook => ({ kind: 'ignored', reason, projectId, jobId });

  // Old documentation says "job" for "build"; a template may leave it out.
  if (kind != null && kind !== 'build' && kind !== 'job') return ignore(`object_kind ${brief(kind)} is not a job's`);
  const type = eventTypes.get(status);
  if (!type) return ignore(`status ${brief(status)} neither starts nor ends anything`);
  if (jobId === null) return ignore(`build_id ${brief(payload.build_id)} is no job (GitLab's test events have none)`);
  if (projectId === null) return ignore('the body has no project_id');

  const startedAt = timeOf(payload, 'build_started_at');
  const finishedAt = timeOf(payload, 'build_finished_at');
  const { receivedAt, deliveryId } = arrival;
  return {
    kind: 'event',
    type,
    event: {
      jobId,
      projectId,
      jobName: textOf(payload.build_name),
      stage: textOf(payload.build_stage),
      status: String(status),
      projectPath: projectPathOf(payload),
      pipelineId: positiveInteger(payload.pipeline_id) ?? positiveInteger(fieldsOf(payload.commit).id),
      ref: textOf(payload.ref),
      // Some versions send a runner with a pending job: nobody has taken it yet.
      runnerId: type === 'Job Pending' ? null : positiveInteger(fieldsOf(payload.runner).id),
      // GitLab does not say when a job became pending: build_created_at is the pipeline's creation.
      occurredAt: { 'Job Pending': null, 'Job Running': startedAt, 'Job Finished': finishedAt }[type] ?? receivedAt,
      receivedAt,
      failureReason: status === 'failed' ? textOf(payload.build_failure_reason) || null : null,
      deliveryId,
    },
  };
}

/** Old payloads lack `project`: its path is in the SSH address too, which carries no relative URL root. */
function projectPathOf(payload: Fields): string | null {
  const path = textOf(fieldsOf(payload.project).path_with_namespace);
  if (path) return path;
  const repository = fieldsOf(payload.repository);
  const address = (textOf(repository.git_ssh_url) || textOf(repository.url)).replace(/\.git$/, '');
  return /^(?:ssh:\/\/[^/]+\/|[^/:@]+@[^/:]+:)([\w.-]+(?:\/[\w.-]+)+)$/.exec(address)?.[1] ?? null;
}

function timeOf(payload: Fields, name: string): string | null {
  return parseGitLabTime(payload[`${name}_iso`]) ?? parseGitLabTime(payload[name]);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, longestTextCharacters) : '';
}

function positiveInteger(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) > 0 ? (number as number) : null;
}

/** A value as it may be repeated in a reason. */
function brief(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 60);
}
