import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { LongLivedRunners } from '../demand/long-lived-runner.ts';
import { type RunnerToStop, runnerToStopSchema } from '../end-runner/stop-runner-input.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createLongLivedRunners } from '../gitlab/long-lived-runners.client.ts';

export type UnregisterRunnerPorts = {
  readonly gitlab: Pick<GitLab, 'removeRunner'>;
  readonly longLived?: Pick<LongLivedRunners, 'remove'>;
};

/**
 * Removes the runner from GitLab, with the API, so that it works when the host is dead. Of a long-lived runner only the
 * host's manager is removed. Already gone is success.
 */
export async function unregisterRunner(
  { runnerId, manager }: RunnerToStop,
  { gitlab, longLived }: UnregisterRunnerPorts,
  { log }: LambdaContext,
) {
  if (manager) {
    const removed = await longLived?.remove(manager);
    log.info(removed ? 'host removed from its runner in GitLab' : 'host was already gone from its runner', manager);
  }
  if (runnerId === null) return;
  const removed = await gitlab.removeRunner(runnerId);
  log.info(removed ? 'runner removed from GitLab' : 'runner was already gone from GitLab', { runnerId });
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ gitlab: createGitLabFromEnvironment(), longLived: createLongLivedRunners() }),
  work: unregisterRunner,
});
