import { randomInt, randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono, type MiddlewareHandler } from 'hono';
import { type ApiError, asApiError, unauthorized } from './api-error.ts';
import { parseCiConfig } from './ci-config.ts';
import { compositeStatus } from './composite-status.ts';
import { controlRoutes, UnknownProjectError } from './control-api.server.ts';
import { Faults } from './faults.ts';
import { type GitLabParts, jobSubject } from './gitlab-parts.ts';
import { type GitLabPorts, GitLabStore } from './gitlab-store.ts';
import { currentVersion, type Instance, oldVersion } from './instance.ts';
import type { Job } from './job.ts';
import { jobEvents } from './job-events.ts';
import { JobQueue } from './job-queue.ts';
import { jobRequestRoutes } from './job-requests.server.ts';
import { type JobChangeView, type JobView, viewJob } from './job-view.ts';
import { Jobs } from './jobs.ts';
import { jobRoutes } from './jobs-api.server.ts';
import type { LocalGitLab, LocalGitLabOptions, PipelineView } from './local-gitlab.ts';
import type { Pipeline } from './project.ts';
import { Projects } from './projects.ts';
import { projectRoutes } from './projects-api.server.ts';
import { Runners } from './runners.ts';
import { runnerRoutes } from './runners-api.server.ts';
import { SharedRunner, type SharedRunnerOptions } from './shared-runner.process.ts';
import { UnknownDeliveryError, WebhookSender } from './webhook-sender.client.ts';

type App = Hono<{ Bindings: HttpBindings }>;

/** Starts a GitLab in this process. It forgets everything when it stops. */
export async function startLocalGitLab(options: LocalGitLabOptions): Promise<LocalGitLab> {
  const hostname = options.hostname ?? '127.0.0.1';
  const stopped = new AbortController();
  let instance: Instance = {
    url: `http://${hostname}`,
    version: options.hookShape === 'old' ? oldVersion : currentVersion,
    hookShape: options.hookShape ?? 'current',
  };
  const parts = assembleParts(options, () => instance, stopped.signal);
  const sharedRunners = new Set<SharedRunner>();
  const changes: JobChangeView[] = [];

  const app: App = new Hono();
  const server = createAdaptorServer({ fetch: app.fetch, hostname }) as Server;
  const gitlab = makeHandle(parts, options, () => instance.url, {
    sharedRunners,
    stop: async () => {
      stopped.abort();
      for (const runner of sharedRunners) runner.stop();
      parts.sender.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  gitlab.onJobChange((change) => {
    changes.push(change);
    options.log?.(`job ${change.job.id} "${change.job.name}": ${change.from ?? 'new'} -> ${change.to}`);
  });
  addRoutes(app, parts, gitlab, changes);

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, hostname, resolve);
  });
  instance = { ...instance, url: `http://${hostname}:${(server.address() as AddressInfo).port}` };
  parts.projects.setWebhook(options.webhook);
  if (options.sharedRunner !== undefined) gitlab.sharedRunner(options.sharedRunner);
  return gitlab;
}

function assembleParts(options: LocalGitLabOptions, instance: () => Instance, stopped: AbortSignal): GitLabParts {
  const ports: GitLabPorts = {
    now: options.now ?? (() => new Date()),
    randomText,
    randomUuid: randomUUID,
  };
  const store = new GitLabStore();
  const faults = new Faults();
  const jobs = new Jobs(store, ports);
  const sender = new WebhookSender(instance, faults, ports.now, ports.randomUuid);
  jobs.onChange((change) => {
    for (const event of jobEvents(change, store, instance(), ports)) sender.send(event);
  });
  return {
    store,
    jobs,
    faults,
    sender,
    ports,
    instance,
    stopped,
    projects: new Projects(store, ports),
    runners: new Runners(store, ports),
    queue: new JobQueue(store, ports, jobs),
    adminToken: options.adminToken,
    longPollSeconds: options.longPollSeconds ?? 0,
    traceUpdateIntervalSeconds: options.traceUpdateIntervalSeconds ?? 3,
  };
}

function makeHandle(
  parts: GitLabParts,
  { adminToken }: LocalGitLabOptions,
  url: () => string,
  end: { readonly sharedRunners: Set<SharedRunner>; stop(): Promise<void> },
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
    stop: end.stop,
  };
}

function addRoutes(app: App, parts: GitLabParts, gitlab: LocalGitLab, changes: readonly JobChangeView[]): void {
  const { adminToken } = parts;
  app.use('*', async (context, next) => {
    await next();
    context.header('X-Request-Id', context.req.header('x-request-id') ?? parts.ports.randomUuid());
  });
  app.use('/_local/*', requireToken(adminToken));
  app.route('/_local', controlRoutes(gitlab, changes));
  app.use('/api/*', strikeFaults(parts));
  app.route('/api/v4', jobRequestRoutes(parts));
  app.use('/api/*', requireToken(adminToken));
  app.route('/api/v4', runnerRoutes(parts));
  app.route('/api/v4', jobRoutes(parts));
  app.route('/api/v4', projectRoutes(parts));
  app.notFound((context) => context.json({ error: '404 Not Found' }, 404));
  app.onError((error, context) => {
    const known = asApiError(error);
    if (known !== undefined) return answerError(known);
    if (error instanceof UnknownDeliveryError || error instanceof UnknownProjectError) {
      return context.json({ message: error.message }, 404);
    }
    return context.json({ message: `500 Internal Server Error: ${error.stack}` }, 500);
  });
}

function answerError({ status, body, headers }: ApiError): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

function requireToken(adminToken: string): MiddlewareHandler {
  return async (context, next) => {
    const bearer = context.req.header('authorization')?.replace(/^Bearer /i, '');
    const token = context.req.header('private-token') ?? bearer ?? context.req.query('private_token');
    if (token !== adminToken) throw unauthorized();
    await next();
  };
}

/** Does to a request what a fault says, before anything else sees it. */
function strikeFaults({ faults }: GitLabParts): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (context, next) => {
    const effect = faults.strikeRoute(context.req.method, new URL(context.req.url).pathname);
    switch (effect?.kind) {
      case 'respond': {
        const headers = { 'Content-Type': 'application/json', ...effect.headers };
        const body = effect.body ?? { message: String(effect.status) };
        const isEmpty = effect.status === 204 || effect.status === 304;
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        return new Response(isEmpty ? null : text, { status: effect.status, headers });
      }
      case 'hang':
        return new Promise<Response>(() => undefined);
      case 'drop':
        context.env.incoming.socket.destroy();
        return new Promise<Response>(() => undefined);
      case 'delay':
        await wait(effect.milliseconds);
        break;
      case undefined:
        break;
    }
    await next();
    return undefined;
  };
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function randomText(length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}
