import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError, forbidden } from './api-error.ts';
import { type GitLabParts, jobSubject } from './gitlab-parts.server.ts';
import { type GitLabContext, pathId, readParams } from './http-request.server.ts';
import { isWithRunner, type Job } from './job.ts';
import { renderJobOffer } from './job-offer.ts';
import { appendTrace, traceChecksum } from './job-trace.ts';
import type { Runner } from './runner.ts';

const optionalText = z.string().optional();
const runnerRequest = z.object({
  token: z.string(),
  system_id: optionalText,
  last_update: optionalText,
  info: z
    .object({
      version: optionalText,
      revision: optionalText,
      platform: optionalText,
      architecture: optionalText,
      executor: optionalText,
      features: z.object({ cancel_gracefully: z.boolean().optional() }).optional(),
    })
    .optional(),
});
type RunnerRequest = z.infer<typeof runnerRequest>;

const jobUpdate = z.object({
  token: optionalText,
  state: z.enum(['pending', 'running', 'success', 'failed']),
  failure_reason: optionalText,
  exit_code: z.number().int().optional(),
  output: z.object({ checksum: optionalText }).optional(),
});

/** The side of the API that runners use. They come with tokens of their own, not with an access token. */
export function jobRequestRoutes(parts: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .post('/jobs/request', (context) => requestJob(context, parts))
    .put('/jobs/:id', (context) => updateJob(context, parts))
    .patch('/jobs/:id/trace', (context) => patchTrace(context, parts))
    .post('/runners/verify', (context) => verifyRunner(context, parts))
    .post('/runners/reset_authentication_token', (context) => resetToken(context, parts))
    .delete('/runners', (context) => deleteRunner(context, parts))
    .delete('/runners/managers', (context) => deleteManager(context, parts));
}

async function requestJob(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const request = await readParams(context, runnerRequest);
  const { runner, manager } = authenticateRunner(parts, request);
  const { queue, longPollSeconds, stopped } = parts;
  const seen = queue.value(runner.id);
  if (request.last_update === seen && longPollSeconds > 0) {
    // Workhorse holds a paused runner's request as well, and answers 204 also when the queue changes meanwhile: the
    // runner asks again, and then gets the job.
    await queue.waitForChange(
      runner.id,
      AbortSignal.any([AbortSignal.timeout(longPollSeconds * 1000), stopped, context.req.raw.signal]),
    );
  }
  const job = request.last_update === seen ? undefined : queue.take(runner, manager);
  if (job === undefined) return context.body(null, 204, { 'X-GitLab-Last-Update': seen });
  const { project, pipeline } = jobSubject(parts, job);
  const offer = renderJobOffer({ instance: parts.instance(), project, pipeline, job, runner });
  // Without `X-GitLab-Last-Update`: with it the runner would be told "nothing new" while further jobs wait.
  return context.json(offer, 201);
}

async function updateJob(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const update = await readParams(context, jobUpdate);
  const { id } = authenticateJob(context, parts, update.token);
  const checksum = update.output?.checksum;
  // GitLab takes the job as it is, too: a log that does not fit is only counted.
  const whole = checksum === undefined ? {} : { logIsWhole: checksum === traceChecksum(storedTrace(parts, id)) };
  switch (update.state) {
    case 'success':
      parts.jobs.succeed(id, whole);
      break;
    case 'failed': {
      const exitCode = update.exit_code === undefined ? {} : { exitCode: update.exit_code };
      parts.jobs.fail(id, update.failure_reason ?? 'unknown_failure', { ...whole, ...exitCode });
      break;
    }
    case 'pending':
    case 'running':
      break;
  }
  return context.json('200', 200, updateHeaders(parts, parts.store.job(id)));
}

async function patchTrace(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const job = authenticateJob(context, parts, undefined);
  const contentRange = context.req.header('content-range');
  if (contentRange === undefined) throw new ApiError(400, { error: '400 Missing header Content-Range' });
  const stored = storedTrace(parts, job.id);
  const result = appendTrace(stored, contentRange, Buffer.from(await context.req.arrayBuffer()));
  if (result.kind === 'mismatch') {
    throw new ApiError(416, { error: '416 Range Not Satisfiable' }, { Range: `0-${stored.length}` });
  }
  parts.store.traces.set(job.id, result.trace);
  const range = `0-${result.trace.length}`;
  return context.json(range, 202, { ...updateHeaders(parts, job), Range: range });
}

async function verifyRunner(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const { runner } = authenticateRunner(parts, await readParams(context, runnerRequest));
  return context.json({ id: runner.id, token: runner.token, token_expires_at: runner.tokenExpiresAt });
}

async function resetToken(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const { runner } = authenticateRunner(parts, await readParams(context, runnerRequest));
  const { token, tokenExpiresAt } = parts.runners.resetToken(runner.id);
  return context.json({ token, token_expires_at: tokenExpiresAt }, 201);
}

async function deleteRunner(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const { runner } = authenticateRunner(parts, await readParams(context, runnerRequest.pick({ token: true })));
  parts.runners.delete(runner.id);
  return context.body(null, 204);
}

async function deleteManager(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const request = await readParams(context, runnerRequest.pick({ token: true }).extend({ system_id: z.string() }));
  const runner = parts.runners.findByToken(request.token);
  if (runner === undefined) throw forbidden();
  const manager = parts.store.managersOf(runner.id).find(({ systemId }) => systemId === request.system_id);
  if (manager === undefined) throw new ApiError(404, { message: '404 Runner manager not found' });
  parts.runners.deleteManager(manager);
  return context.body(null, 204);
}

function authenticateRunner(parts: GitLabParts, { token, system_id: systemId, info }: Partial<RunnerRequest>) {
  const runner = parts.runners.findByToken(token ?? '');
  if (runner === undefined) throw forbidden();
  const manager = parts.runners.contact(runner, {
    systemId,
    ...info,
    cancelsGracefully: info?.features?.cancel_gracefully ?? false,
  });
  return { runner: parts.store.runner(runner.id) satisfies Runner, manager };
}

/** A job that no runner works on any more is 403 with its status, never 404: that is how a runner learns to stop. */
function authenticateJob(context: GitLabContext, { store }: GitLabParts, token: string | undefined): Job {
  const job = store.jobs.get(pathId(context, 'id'));
  if (job === undefined || (token ?? context.req.header('job-token')) !== job.token) throw forbidden();
  if (!isWithRunner(job.status)) throw forbidden('Job is not processing on runner', { 'Job-Status': job.status });
  return job;
}

function storedTrace({ store }: GitLabParts, jobId: number): Buffer {
  return store.traces.get(jobId) ?? Buffer.alloc(0);
}

function updateHeaders({ traceUpdateIntervalSeconds }: GitLabParts, job: Job): Record<string, string> {
  return { 'Job-Status': job.status, 'X-GitLab-Trace-Update-Interval': String(traceUpdateIntervalSeconds) };
}
