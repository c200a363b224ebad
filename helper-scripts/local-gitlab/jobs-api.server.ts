import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError, badRequest, forbidden } from './api-error.ts';
import { parseCiConfig } from './ci-config.ts';
import { type GitLabParts, jobOfProject, jobSubject, rendering } from './gitlab-parts.server.ts';
import { NotFoundError } from './gitlab-store.ts';
import { answerPage, type GitLabContext, pathId, readParams } from './http-request.server.ts';
import { isPlayable, isRetryable, type Job, jobStatuses } from './job.ts';
import { renderJob, renderPipeline } from './job-entity.ts';
import type { Pipeline } from './project.ts';

/** Other statuses of GitLab's that never occur here may be asked for. */
const knownScopes = new Set<string>([...jobStatuses, 'preparing', 'waiting_for_callback']);

const scopeFilter = z.object({
  scope: z.union([z.array(z.string()), z.string().transform((scope) => [scope])]).optional(),
});
const cancelInput = z.object({ force: z.union([z.boolean(), z.literal('true'), z.literal('false')]).optional() });
const pipelineInput = z.object({
  ref: z.string(),
  variables: z.array(z.object({ key: z.string(), value: z.string() })).default([]),
});

/** Jobs and pipelines: https://docs.gitlab.com/api/jobs/, https://docs.gitlab.com/api/pipelines/. */
export function jobRoutes(parts: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  const { store, jobs } = parts;
  return new Hono<{ Bindings: HttpBindings }>()
    .get('/projects/:id/jobs', (context) => {
      const project = store.findProject(context.req.param('id'));
      return listJobs(context, parts, ({ projectId }) => projectId === project.id);
    })
    .get('/projects/:id/jobs/:job_id', (context) => answerJob(context, parts, findJob(context, parts)))
    .get('/projects/:id/jobs/:job_id/trace', (context) =>
      context.text((store.traces.get(findJob(context, parts).id) ?? Buffer.alloc(0)).toString('utf8')),
    )
    .post('/projects/:id/jobs/:job_id/cancel', async (context) => {
      const { force } = await readParams(context, cancelInput);
      const job = jobs.cancel(findJob(context, parts).id, force === true || force === 'true');
      return answerJob(context, parts, job, 201);
    })
    .post('/projects/:id/jobs/:job_id/retry', (context) => {
      const job = findJob(context, parts);
      if (!isRetryable(job)) throw forbidden('Job is not retryable');
      return answerJob(context, parts, jobs.retry(job.id), 201);
    })
    .post('/projects/:id/jobs/:job_id/play', (context) => {
      const job = findJob(context, parts);
      if (!isPlayable(job)) throw badRequest('Unplayable Job');
      return answerJob(context, parts, jobs.play(job.id));
    })
    .post('/projects/:id/pipeline', (context) => createPipeline(context, parts))
    .get('/projects/:id/pipelines', (context) => {
      const project = store.findProject(context.req.param('id'));
      const pipelines = [...store.pipelines.values()].filter(({ projectId }) => projectId === project.id).reverse();
      return answerPage(context, pipelines, (pipeline) => renderOne(parts, pipeline));
    })
    .get('/projects/:id/pipelines/:pipeline_id', (context) =>
      context.json(renderOne(parts, findPipeline(context, parts))),
    )
    .get('/projects/:id/pipelines/:pipeline_id/jobs', (context) => {
      const pipeline = findPipeline(context, parts);
      return listJobs(context, parts, (job) => job.pipelineId === pipeline.id && !job.retried);
    })
    .post('/projects/:id/pipelines/:pipeline_id/cancel', (context) => {
      const pipeline = findPipeline(context, parts);
      for (const { id } of store.presentJobs(pipeline.id)) jobs.cancel(id);
      return context.json(renderOne(parts, pipeline), 201);
    });
}

async function listJobs(context: GitLabContext, parts: GitLabParts, belongs: (job: Job) => boolean): Promise<Response> {
  const { scope } = await readParams(context, scopeFilter);
  if (scope?.some((status) => !knownScopes.has(status))) {
    throw new ApiError(400, { message: 'Scope contains invalid value(s)' });
  }
  const how = rendering(parts);
  const chosen = [...parts.store.jobs.values()]
    .filter((job) => belongs(job) && (scope === undefined || scope.includes(job.status)))
    .sort((a, b) => b.id - a.id);
  return answerPage(context, chosen, (job) => renderJob(jobSubject(parts, job), how), false);
}

async function createPipeline(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const project = parts.store.findProject(context.req.param('id') ?? '');
  const { ref, variables } = await readParams(context, pipelineInput);
  if (project.ciConfig === null) throw new ApiError(400, { message: { base: ['Missing CI config file'] } });
  const pipeline = parts.jobs.createPipeline(project, parseCiConfig(project.ciConfig), {
    ref,
    variables: Object.fromEntries(variables.map(({ key, value }) => [key, value])),
  });
  return context.json(renderOne(parts, pipeline), 201);
}

function findJob(context: GitLabContext, parts: GitLabParts): Job {
  const project = parts.store.findProject(context.req.param('id') ?? '');
  return jobOfProject(parts, project, pathId(context, 'job_id'));
}

function findPipeline(context: GitLabContext, { store }: GitLabParts): Pipeline {
  const project = store.findProject(context.req.param('id') ?? '');
  const pipeline = store.pipeline(pathId(context, 'pipeline_id'));
  if (pipeline.projectId !== project.id) throw new NotFoundError('Pipeline', pipeline.id);
  return pipeline;
}

function answerJob(context: GitLabContext, parts: GitLabParts, job: Job, status: 200 | 201 = 200): Response {
  return context.json(renderJob(jobSubject(parts, job), rendering(parts)), status);
}

function renderOne(parts: GitLabParts, pipeline: Pipeline) {
  const { store } = parts;
  return renderPipeline(pipeline, store.project(pipeline.projectId), store.presentJobs(pipeline.id), parts.instance());
}
