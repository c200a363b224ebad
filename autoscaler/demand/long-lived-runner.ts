import type { ProfilesManager, RunnerManager } from '../runner-store/runner-manager.ts';

/**
 * A runner that a user made in GitLab. Its token comes from a secret, and each of our hosts is one more manager of it.
 */
export type LongLivedRunner = {
  readonly runnerId: number;
  readonly token: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  /** The projects of a project runner; null for runners of groups and of the instance. */
  readonly projectIds: readonly number[] | null;
  /** GitLab gives it no job at all. */
  readonly isPaused?: true;
  /** It gets jobs of protected branches and tags only. */
  readonly accessLevel?: 'ref_protected';
};

/**
 * The long-lived runner of a profile cannot be used, or cannot run the job; the message says what to change in GitLab
 * or in the secret.
 */
export class LongLivedRunnerError extends Error {
  override readonly name = 'LongLivedRunnerError';
}

/**
 * Why GitLab would never give the runner a job; null when it would. Without this look the job would wait, and host
 * after host with it.
 * Source: https://docs.gitlab.com/ci/runners/configure_runners/#control-jobs-that-a-runner-can-run
 */
export function whyNeverTaken(
  runner: Pick<LongLivedRunner, 'tags' | 'runUntagged' | 'projectIds' | 'isPaused' | 'accessLevel'>,
  job: { readonly projectId: number; readonly tags: readonly string[]; readonly isProtected?: boolean },
): string | null {
  if (runner.isPaused) return 'it is paused in GitLab; resume it there';
  if (runner.accessLevel === 'ref_protected' && job.isProtected !== true) {
    return "it is protected in GitLab, and the job's branch or tag is not; protect that, or let the runner take all";
  }
  if (runner.projectIds && !runner.projectIds.includes(job.projectId)) {
    return `it is no runner of project ${job.projectId}; enable it there, or use a runner of the group`;
  }
  if (job.tags.length === 0) {
    return runner.runUntagged
      ? null
      : 'the job has no tags and the runner runs no untagged jobs; let it, or tag the job';
  }
  const missing = job.tags.filter((tag) => !runner.tags.includes(tag));
  if (missing.length === 0) return null;
  return `the job's tags ${missing.join(', ')} are not among the runner's (${runner.tags.join(', ') || 'none'}); add them in GitLab, or change the mapping`;
}

/**
 * The runners that profiles bring, instead of having one made for each job. Nothing here changes, pauses or removes
 * such a runner.
 */
export type LongLivedRunners = {
  /**
   * A profile's runner as GitLab knows it now; null when the profile brings none.
   *
   * @throws {LongLivedRunnerError} when GitLab does not know it.
   */
  find(profile: string): Promise<LongLivedRunner | null>;
  /** Ids of the jobs that run on one host now. */
  runningJobsOf(manager: RunnerManager): Promise<readonly { readonly projectId: number; readonly jobId: number }[]>;
  /**
   * Removes a host from its runner. What GitLab refuses, or the profile no longer brings, is left: such an entry can do
   * nothing, and GitLab itself removes it after a week without contact.
   *
   * @returns false when there was nothing to remove, or nothing that we could.
   */
  remove(manager: ProfilesManager): Promise<boolean>;
};
