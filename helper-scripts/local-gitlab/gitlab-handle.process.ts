import { parseCiConfig } from './ci-config.ts';
import { compositeStatus } from './composite-status.ts';
import { type GitLabParts, jobSubject } from './gitlab-parts.server.ts';
import type { Job } from './job.ts';
import { type JobView, viewJob } from './job-view.ts';
import type { LocalGitLab, LocalGitLabOptions, PipelineView, SharedRunnerOptions } from './local-gitlab.ts';
import type { Pipeline } from './project.ts';
import { SharedRunner } from './shared-runner.process.ts';

/** The programmatic side of a local GitLab. */
export function makeHandle(
  parts: GitLabParts,
  { adminToken }: LocalGitLabOptions,
  url: () => string,
  end: Pick<LocalGitLab, 'goDown' | 'comeBack' | 'stop'> & { readonly sharedRunners: Set<SharedRunner> },
): LocalGitLab {
  const { store, jobs, runners, projects, sender, faults } = parts;
  const view = (job: Job): JobView => viewJob(jobSubject(parts, job));
  const viewPipeline = ({ id, projectId, warnings }: Pipeline): PipelineView => {
    const status = compositeStatus(store.presentJobs(id)) ?? 'created';
    return { id, projectId, warnings, status };
  };
  return {
    get url() {
      return url();
    },
    adminToken,
    faults,
    createProject: (path, options) => projects.create(path, options),
    projects: () => [...store.projects.values()],
    createPipeline: (projectId, yamlText, options) =>
      viewPipeline(jobs.createPipeline(store.project(projectId), parseCiConfig(yamlText), options)),
    pipelines: () => [...store.pipelines.values()].map(viewPipeline),
    cancelJob: (jobId, force) => view(jobs.cancel(jobId, force)),
    retryJob: (jobId) => view(jobs.retry(jobId)),
    playJob: (jobId) => view(jobs.play(jobId)),
    dropJob: (jobId, reason) => view(jobs.fail(jobId, reason)),
    jobs: () => [...store.jobs.values()].map(view),
    job: (jobId) => view(store.job(jobId)),
    jobTrace: (jobId) => (store.traces.get(store.job(jobId).id) ?? Buffer.alloc(0)).toString('utf8'),
    runners: () =>
      [...store.runners.values()]
        .filter(({ id }) => ![...end.sharedRunners].some(({ runnerId }) => runnerId === id))
        .map(({ id, description, tags, paused, projectId }) => {
          const systemIds = store.managersOf(id).map(({ systemId }) => systemId);
          return { id, description, tags, paused, projectId, systemIds, busy: runners.isBusy(id) };
        }),
    setWebhook: (webhook) => projects.setWebhook(webhook),
    deliveries: () => sender.deliveries(),
    resend: (deliveryId) => sender.resend(deliveryId),
    settleWebhooks: () => sender.settle(),
    onJobChange: (listener) => jobs.onChange(({ at, from, to, job }) => listener({ at, from, to, job: view(job) })),
    sharedRunner: (options: SharedRunnerOptions) => {
      const runner = new SharedRunner(store, jobs, runners, options);
      end.sharedRunners.add(runner);
      return runner;
    },
    rotateAccessToken: (from, to) => {
      const index = parts.accessTokens.findIndex(({ token }) => token === from);
      const known = parts.accessTokens[index];
      if (!known) throw new Error('there is no such access token to rotate');
      parts.accessTokens[index] = { ...known, token: to };
    },
    goDown: end.goDown,
    comeBack: end.comeBack,
    stop: end.stop,
  };
}
