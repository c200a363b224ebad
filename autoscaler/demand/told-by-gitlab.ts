import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';

/** A job may wait in GitLab for a resource or an approval before its hook comes; a clock may be off by minutes. */
const longestDelayMilliseconds = 10 * 60 * 1_000;

/**
 * An event with what GitLab says of its job in place of what the hook said. Whoever may write a hook's template writes
 * what it says, and GitLab signs it: of a hook only the numbers of job and project are taken, which GitLab was asked
 * about, and which fit together since it found the job there; whoever asked has compared the path with what the hook
 * was proved for. What GitLab does not tell (when the job began to wait) is taken as far as it is likely, else the time
 * when the hook came.
 */
export function toldByGitLab(
  { provedFor: _, ...event }: JobEvent,
  { name, stage, ref, pipelineId, projectPath }: NamedJob,
): JobEvent {
  const { occurredAt, receivedAt } = event;
  const delay = Date.parse(receivedAt) - Date.parse(occurredAt);
  const isLikely = Math.abs(delay) <= longestDelayMilliseconds;
  return {
    ...event,
    ...{ jobName: name, stage, ref, pipelineId, projectPath },
    occurredAt: isLikely ? occurredAt : receivedAt,
    failureReason: null,
  };
}
