import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { watchDelayedJobs } from './delayed-jobs.process.ts';
import { Faults } from './faults.ts';
import { addRoutes } from './gitlab-app.server.ts';
import { makeHandle } from './gitlab-handle.process.ts';
import type { GitLabParts } from './gitlab-parts.server.ts';
import { type GitLabPorts, GitLabStore } from './gitlab-store.ts';
import { currentVersion, type Instance, oldVersion } from './instance.ts';
import { jobEvents } from './job-events.ts';
import { JobQueue } from './job-queue.ts';
import type { JobChangeView } from './job-view.ts';
import { Jobs } from './jobs.ts';
import type { LocalGitLab, LocalGitLabOptions } from './local-gitlab.ts';
import { Projects } from './projects.ts';
import { Runners } from './runners.ts';
import type { SharedRunner } from './shared-runner.process.ts';
import { WebhookSender } from './webhook-sender.client.ts';

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

  const app = new Hono<{ Bindings: HttpBindings }>();
  const server = createAdaptorServer({ fetch: app.fetch, hostname }) as Server;
  const gitlab = makeHandle(parts, options, () => instance.url, {
    sharedRunners,
    stop: async () => {
      stopped.abort();
      for (const runner of sharedRunners) runner.stop();
      parts.sender.stop();
      await stopListening(server);
    },
    goDown: () => stopListening(server),
    comeBack: () => listen(server, Number(new URL(instance.url).port), hostname),
  });
  gitlab.onJobChange((change) => {
    changes.push(change);
    options.log?.(`job ${change.job.id} "${change.job.name}": ${change.from ?? 'new'} -> ${change.to}`);
  });
  addRoutes(app, parts, gitlab, changes);

  await listen(server, options.port, hostname);
  instance = { ...instance, url: `http://${hostname}:${(server.address() as AddressInfo).port}` };
  parts.projects.setWebhook(options.webhook);
  if (options.sharedRunner !== undefined) gitlab.sharedRunner(options.sharedRunner);
  return gitlab;
}

async function listen(server: Server, port: number, hostname: string): Promise<void> {
  server.listen(port, hostname);
  await once(server, 'listening');
}

/** Does nothing to a server that does not listen. */
async function stopListening(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
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
  watchDelayedJobs(jobs, stopped);
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
    accessTokens: [{ token: options.adminToken, scopes: ['api'] }, ...(options.accessTokens ?? [])],
    longPollSeconds: options.longPollSeconds ?? 0,
    traceUpdateIntervalSeconds: options.traceUpdateIntervalSeconds ?? 3,
  };
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

function randomText(length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}
