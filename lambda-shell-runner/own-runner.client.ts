import { distrustOf } from '../infrastructure/gitlab/gitlab-trust.ts';

/** Removing a runner is the courtesy of a host that ends; the autoscaler does it too. */
const requestTimeoutMilliseconds = 5_000;

/** GitLab did not remove the runner. */
export class RunnerNotRemovedError extends Error {
  override readonly name = 'RunnerNotRemovedError';
}

/**
 * Removes a runner in GitLab with its own token. A token that GitLab does not accept (any more) means that the runner
 * is gone.
 *
 * @throws {RunnerNotRemovedError} when GitLab answers with anything else, or not within 5 s.
 * @see https://docs.gitlab.com/api/runners/#delete-a-runner-by-authentication-token
 */
export async function removeOwnRunner(gitlabUrl: string, token: string): Promise<void> {
  const url = `${gitlabUrl.replace(/\/+$/, '')}/api/v4/runners`;
  const response = await fetch(url, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
    signal: AbortSignal.timeout(requestTimeoutMilliseconds),
  }).catch((cause: unknown) => {
    const distrust = distrustOf(cause);
    const reason = distrust
      ? `GitLab ${distrust.wrong}; ${distrust.remedy}`
      : 'no answer; is GitLab up and reachable from here?';
    throw new RunnerNotRemovedError(`DELETE ${url}: ${reason}`, { cause });
  });
  await response.body?.cancel();
  if (!response.ok && response.status !== 403 && response.status !== 404) {
    throw new RunnerNotRemovedError(`DELETE ${url}: ${response.status} ${response.statusText}`);
  }
}
