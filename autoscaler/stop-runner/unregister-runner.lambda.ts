import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import { type LambdaContext, lambdaHandler } from '../../infrastructure/lib/lambda-handler.client.ts';
import { createGitLabFromEnvironment } from '../live-gitlab.client.ts';
import { type RunnerToStop, runnerToStopSchema } from './stop-runner-input.ts';

export type UnregisterRunnerPorts = { readonly gitlab: Pick<GitLab, 'removeRunner'> };

/** Removes the runner from GitLab, with the API, so that it works when the host is dead. Already gone is success. */
export async function unregisterRunner(
  { runnerId }: RunnerToStop,
  { gitlab }: UnregisterRunnerPorts,
  { log }: LambdaContext,
) {
  if (runnerId === null) return;
  const removed = await gitlab.removeRunner(runnerId);
  log.info(removed ? 'runner removed from GitLab' : 'runner was already gone from GitLab', { runnerId });
}

export const handler = lambdaHandler({
  input: runnerToStopSchema,
  logFields: ({ job, attempt }) => ({ runnerOf: job, attempt }),
  ports: () => ({ gitlab: createGitLabFromEnvironment() }),
  work: unregisterRunner,
});
