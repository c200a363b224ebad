import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, type TestContext } from 'vitest';
import { startLocalGitLab } from '../../../helper-scripts/local-gitlab/local-gitlab.server.ts';
import type { LocalGitLab, LocalGitLabOptions } from '../../../helper-scripts/local-gitlab/local-gitlab.ts';

export const adminToken = 'not-a-real-secret';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/**
 * A local GitLab that ends with the test. Of tests that run at the same time it ends with any: those take `gitlabOf`.
 */
export async function gitlabUnderTest(options: Partial<LocalGitLabOptions> = {}): Promise<LocalGitLab> {
  const gitlab = await startLocalGitLab({ port: 0, adminToken, ...options });
  cleanups.push(() => gitlab.stop());
  return gitlab;
}

/** A local GitLab that ends with this test alone. */
export async function gitlabOf(test: TestContext): Promise<LocalGitLab> {
  const gitlab = await startLocalGitLab({ port: 0, adminToken });
  test.onTestFinished(() => gitlab.stop());
  return gitlab;
}

export interface ReceivedHook {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** An endpoint for webhooks that keeps what it gets. */
export async function hookReceiver(answerAfterMs = 0, status = 204) {
  const received: ReceivedHook[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    received.push({ headers: request.headers, body, event: JSON.parse(body) as Record<string, unknown> });
    setTimeout(() => response.writeHead(status).end(), answerAfterMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`;
  return {
    url,
    received,
    statuses: (name?: string) =>
      received
        .filter(({ event }) => name === undefined || event.build_name === name)
        .map(({ event }) => (name === undefined ? `${event.build_name} ${event.build_status}` : event.build_status)),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** One call of the REST API with the access token. */
export async function call(
  gitlab: LocalGitLab,
  method: string,
  path: string,
  body?: object | URLSearchParams,
  headers: Record<string, string> = { 'PRIVATE-TOKEN': adminToken },
): Promise<Answer> {
  const form = body instanceof URLSearchParams;
  const response = await fetch(`${gitlab.url}/api/v4${path}`, {
    method,
    headers: { ...headers, ...(body === undefined || form ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
}

export interface TestRunner {
  readonly id: number;
  readonly token: string;
}

/** Registers a runner for a project, as an autoscaler does. */
export async function registerRunner(
  gitlab: LocalGitLab,
  projectId: number,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<TestRunner> {
  const { body } = await call(gitlab, 'POST', '/user/runners', {
    runner_type: 'project_type',
    project_id: projectId,
    ...fields,
  });
  return body as TestRunner;
}

export interface OfferedJob {
  readonly id: number;
  readonly token: string;
  readonly [key: string]: unknown;
}

/** Asks for a job as gitlab-runner does; undefined when there is none. */
export async function requestJob(
  gitlab: LocalGitLab,
  { token }: TestRunner,
  more: Readonly<Record<string, unknown>> = {},
): Promise<OfferedJob | undefined> {
  const answer = await askForJob(gitlab, token, more);
  return answer.status === 201 ? (answer.body as OfferedJob) : undefined;
}

export function askForJob(
  gitlab: LocalGitLab,
  token: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const info = { version: '19.3.0', platform: 'linux', features: { cancel_gracefully: true } };
  return call(gitlab, 'POST', '/jobs/request', { token, system_id: 'r_abcdefghijkl', info, ...more }, {});
}

export function updateJob(gitlab: LocalGitLab, job: OfferedJob, update: object): Promise<Answer> {
  return call(gitlab, 'PUT', `/jobs/${job.id}`, { token: job.token, ...update }, { 'JOB-TOKEN': job.token });
}

export async function patchTrace(gitlab: LocalGitLab, job: OfferedJob, from: number, text: string): Promise<Answer> {
  const response = await fetch(`${gitlab.url}/api/v4/jobs/${job.id}/trace?debug_trace=false`, {
    method: 'PATCH',
    headers: {
      'JOB-TOKEN': job.token,
      'Content-Type': 'text/plain',
      'Content-Range': `${from}-${from + text.length - 1}`,
    },
    body: text,
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** A pipeline of one stage whose jobs have these tags. */
export function pipelineOf(jobs: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(jobs)
    .map(([name, tags]) => `${name}:\n  script: 'true'\n  tags: ${JSON.stringify(tags)}\n`)
    .join('');
}
