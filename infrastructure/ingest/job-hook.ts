import type { JobEvent } from '../kit/job-event.ts';
import { isBeforePending, type JobEventType, jobEventTypeOf } from '../kit/job-event-types.ts';
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

/** GitLab allows 255 characters; only a template of somebody's own can send more, and workflows take 256 KiB in all. */
const longestTextCharacters = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a job hook as GitLab 8 to 19 and custom templates send it: fields may be absent, null, or numbers
 * in quotes. The body tells what happened, not the `X-Gitlab-Event` header. Never throws.
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
  const runnerId = positiveInteger(fieldsOf(payload.runner).id);
  const type = jobEventTypeOf(status, runnerId);
  if (!type || (isBeforePending(status) && !mayWait(payload))) {
    return ignore(`status ${brief(status)} neither starts nor ends anything`);
  }
  if (jobId === null) return ignore(`build_id ${brief(payload.build_id)} is no job (GitLab's test events have none)`);
  if (projectId === null) return ignore('the body has no project_id');

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
      runnerId: type === 'Job Pending' ? null : runnerId,
      occurredAt: occurredAtOf(payload, type) ?? receivedAt,
      receivedAt,
      failureReason: status === 'failed' ? textOf(payload.build_failure_reason) || null : null,
      deliveryId,
    },
  };
}

/** The path of the project as a hook tells it. Never throws. */
export function projectPathTold(body: unknown): string | null {
  return projectPathOf(fieldsOf(body));
}

/**
 * Whether a job may wait for a runner although the hook says that it does not yet: until September 2026 GitLab could
 * tell of `pending` in the words of the state before, once the pipeline had begun. Since it says when the status
 * changed, each hook keeps the word of its own change. Without a pipeline's state (a template of somebody's own) the
 * word stands.
 *
 * @see https://gitlab.com/gitlab-org/gitlab/-/issues/546182
 * @see https://gitlab.com/gitlab-org/gitlab/-/merge_requests/266428
 */
function mayWait(payload: Fields): boolean {
  if ('build_status_changed_at' in payload || 'build_status_changed_at_iso' in payload) return false;
  const pipeline = fieldsOf(payload.commit);
  return timeOf(pipeline, 'started_at') !== null || !['', 'created'].includes(textOf(pipeline.status));
}

/** When the job became what the hook tells; the newest GitLab says so, also of `pending`. Null when it does not. */
function occurredAtOf(payload: Fields, type: JobEventType): string | null {
  const changedAt = timeOf(payload, 'build_status_changed_at');
  switch (type) {
    case 'Job Pending':
      return payload.build_status === 'pending' ? changedAt : null;
    case 'Job Running':
      return timeOf(payload, 'build_started_at') ?? changedAt;
    case 'Job Finished':
      return timeOf(payload, 'build_finished_at') ?? changedAt;
  }
}

/**
 * What comes before the path in an SSH address: a scheme with host and port, or a host (maybe IPv6 in brackets, maybe
 * with a user).
 */
const sshAddress = /^(?:ssh:\/\/[^/]+\/|(?:[^/:@[\]]+@)?(?:\[[\da-f:.]+\]|[^/:@[\]]+):)([\w.-]+(?:\/[\w.-]+)+)$/i;

/** Old payloads lack `project`: its path is in the SSH address too, which carries no relative URL root. */
function projectPathOf(payload: Fields): string | null {
  const path = textOf(fieldsOf(payload.project).path_with_namespace);
  if (path) return path;
  const repository = fieldsOf(payload.repository);
  const address = (textOf(repository.git_ssh_url) || textOf(repository.url)).replace(/\.git$/, '');
  return sshAddress.exec(address)?.[1] ?? null;
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
  // Writing down what is nested deeply enough overflows the stack.
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '(a list)' : '(an object)';
  return String(JSON.stringify(value)).slice(0, 60);
}
