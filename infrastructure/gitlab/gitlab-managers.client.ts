import { Jobs, Runners } from '@gitbeaker/rest';
import { systemBackoffPorts } from '../kit/lambda/backoff.ts';
import { type GitLabOptions, orWhenGone, projectIdOf } from './gitlab.client.ts';
import { GitLabRefusedError } from './gitlab-errors.ts';
import { createGitLabRequester, gitlabBackoff } from './gitlab-requester.client.ts';

/**
 * One host of a runner, in GitLab's words:
 * https://docs.gitlab.com/runner/fleet_scaling/#workers-executors-and-autoscaling-capabilities
 */
export type RunnerManager = { readonly runnerId: number; readonly systemId: string };

export type RunnerDetails = {
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
 * What we ask GitLab about a runner that has many hosts. Nothing here changes or pauses the runner itself.
 * Source: https://docs.gitlab.com/api/runners/
 */
export type RunnerManagers = {
  /** The id of the runner whose token it is; null when GitLab takes the token for nobody's. */
  verify(token: string): Promise<number | null>;
  /** What the runner may run; null when it does not exist, or may not be seen with our access token. */
  readRunner(runnerId: number): Promise<RunnerDetails | null>;
  /** Ids of the jobs that one host works on now: they run there, or are about to be canceled. */
  runningJobsOf(manager: RunnerManager): Promise<readonly { readonly projectId: number; readonly jobId: number }[]>;
  /** Removes one host from its runner; false when it was already gone, or the token is no longer the runner's. */
  remove(token: string, systemId: string): Promise<boolean>;
};

type Details = {
  readonly tag_list?: readonly string[];
  readonly run_untagged?: boolean;
  readonly paused?: boolean;
  readonly access_level?: string;
  readonly runner_type?: string;
  readonly projects?: readonly { readonly id: number }[];
};

/** The managers of runners through gitbeaker, with our time-out and backoff. */
export function createRunnerManagers({
  url,
  token: accessToken,
  rereadToken,
  backoff = gitlabBackoff,
  backoffPorts = systemBackoffPorts,
}: GitLabOptions): RunnerManagers {
  const requesterFn = createGitLabRequester(backoff, backoffPorts, rereadToken);
  const options = { host: url, token: accessToken, requesterFn };
  const jobs = new Jobs(options);
  const runners = new Runners(options);
  /** Only a job that names another host is not this one's: a look that knows less must not cost a job its host. */
  const mayHaveJob = async (
    { systemId }: RunnerManager,
    job: { readonly projectId: number; readonly jobId: number },
  ) => {
    const shown: unknown = await orWhenGone(jobs.show(job.projectId, job.jobId), null);
    const host = (shown as { runner_manager?: { system_id?: string } | null } | null)?.runner_manager;
    return (host?.system_id ?? systemId) === systemId;
  };
  return {
    async verify(token) {
      // Without a system id: with one GitLab would note a host that is none.
      const verified = runners.requester.post<{ id?: number }>('runners/verify', { body: { token } });
      return orWhenRefused(
        verified.then(({ body }) => body.id ?? null),
        null,
      );
    },
    async readRunner(runnerId) {
      const shown = (await orWhenGone(runners.show(runnerId), null)) as Details | null;
      if (!shown) return null;
      const { tag_list: tags = [], run_untagged: runUntagged = false, runner_type: type, projects = [] } = shown;
      const projectIds = type === 'project_type' ? projects.map(({ id }) => id) : null;
      return {
        ...{ tags, runUntagged, projectIds },
        ...(shown.paused ? { isPaused: true } : {}),
        ...(shown.access_level === 'ref_protected' ? { accessLevel: shown.access_level } : {}),
      };
    },
    async runningJobsOf(manager) {
      const { runnerId, systemId } = manager;
      const filter = { status: 'running', systemId } as const;
      const running = await orWhenGone(runners.allJobs(runnerId, filter), []);
      // GitLab before 17 does not know the status `canceling`, and would refuse it as a filter.
      const newest = { systemId, orderBy: 'id', sort: 'desc', perPage: 20, maxPages: 1 } as const;
      const last = running.length > 0 ? [] : await orWhenGone(runners.allJobs(runnerId, newest), []);
      const working = [...running, ...last.filter(({ status }) => String(status) === 'canceling')];
      const named = working.map((job) => ({ projectId: projectIdOf(job), jobId: job.id }));
      // Seldom one, never more: before 16.8 GitLab did not know the filter and named the jobs of every host.
      const answers = await Promise.all(named.map((job) => mayHaveJob(manager, job)));
      return named.filter((_, index) => answers[index]);
    },
    async remove(token, systemId) {
      const removed = runners.requester.delete('runners/managers', { body: { token, system_id: systemId } });
      return orWhenRefused(
        orWhenGone(
          removed.then(() => true),
          false,
        ),
        false,
      );
    },
  };
}

/** A refusal of the address that we come from says nothing of the token. */
async function orWhenRefused<T, G>(answer: Promise<T>, whenRefused: G): Promise<T | G> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof GitLabRefusedError && !error.ofAddress) return whenRefused;
    throw error;
  }
}
