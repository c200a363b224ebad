import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { routeFault, webhookFault } from './faults.ts';
import { pathId, readParams } from './http-request.server.ts';
import type { JobChangeView } from './job-view.ts';
import type { LocalGitLab } from './local-gitlab.ts';

const projectInput = z.object({ path: z.string(), ciConfig: z.string().optional() });
const pipelineInput = z.object({ project: z.union([z.string(), z.number()]), yaml: z.string() });
const webhookInput = z.object({ url: z.url(), token: z.string().optional(), signingToken: z.string().optional() });
const sharedRunnerInput = z.object({
  tags: z.array(z.string()),
  runUntagged: z.boolean(),
  delayMs: z.number().optional(),
  durationMs: z.number().optional(),
});
const reasonInput = z.object({ reason: z.string() });

export class UnknownProjectError extends Error {
  override readonly name = 'UnknownProjectError';
}

/**
 * The handle of the local GitLab over HTTP, for programs that run beside it. What it answers is not GitLab's.
 * @param changes every change of a job since the start, in order
 */
export function controlRoutes(
  gitlab: LocalGitLab,
  changes: readonly JobChangeView[],
): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .get('/state', (context) =>
      context.json({
        url: gitlab.url,
        projects: gitlab.projects(),
        pipelines: gitlab.pipelines(),
        jobs: gitlab.jobs(),
        runners: gitlab.runners(),
        deliveries: gitlab.deliveries(),
        faults: gitlab.faults.list(),
      }),
    )
    .get('/changes', (context) => context.json(changes.slice(Number(context.req.query('after') ?? 0))))
    .post('/projects', async (context) => {
      const { path, ciConfig } = await readParams(context, projectInput);
      return context.json(gitlab.createProject(path, ciConfig === undefined ? {} : { ciConfig }), 201);
    })
    .post('/pipelines', async (context) => {
      const { project, yaml } = await readParams(context, pipelineInput);
      const found = gitlab.projects().find(({ id, path }) => id === project || path === project);
      if (found === undefined)
        throw new UnknownProjectError(`the local GitLab has no project ${project}: create it first`);
      return context.json(gitlab.createPipeline(found.id, yaml), 201);
    })
    .post('/jobs/:id/cancel', (context) => context.json(gitlab.cancelJob(pathId(context, 'id'))))
    .post('/jobs/:id/retry', (context) => context.json(gitlab.retryJob(pathId(context, 'id')), 201))
    .post('/jobs/:id/play', (context) => context.json(gitlab.playJob(pathId(context, 'id'))))
    .post('/jobs/:id/drop', async (context) => {
      const { reason } = await readParams(context, reasonInput);
      return context.json(gitlab.dropJob(pathId(context, 'id'), reason));
    })
    .get('/jobs/:id/trace', (context) => context.text(gitlab.jobTrace(pathId(context, 'id'))))
    .put('/webhook', async (context) => {
      const { url, token, signingToken } = await readParams(context, webhookInput);
      gitlab.setWebhook({
        url,
        ...(token === undefined ? {} : { token }),
        ...(signingToken === undefined ? {} : { signingToken }),
      });
      return context.body(null, 204);
    })
    .delete('/webhook', (context) => {
      gitlab.setWebhook(undefined);
      return context.body(null, 204);
    })
    .post('/deliveries/:id/resend', async (context) => context.json(await gitlab.resend(pathId(context, 'id')), 201))
    .post('/shared-runner', async (context) => {
      const { tags, runUntagged, delayMs, durationMs } = await readParams(context, sharedRunnerInput);
      gitlab.sharedRunner({
        tags,
        runUntagged,
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(durationMs === undefined ? {} : { durationMs }),
      });
      return context.body(null, 204);
    })
    .get('/faults', (context) => context.json(gitlab.faults.list()))
    .post('/faults/routes', async (context) =>
      context.json({ id: gitlab.faults.addRoute(await readParams(context, routeFault)) }, 201),
    )
    .post('/faults/webhooks', async (context) =>
      context.json({ id: gitlab.faults.addWebhook(await readParams(context, webhookFault)) }, 201),
    )
    .delete('/faults', (context) => {
      gitlab.faults.clear();
      return context.body(null, 204);
    })
    .delete('/faults/:id', (context) => {
      gitlab.faults.clear(pathId(context, 'id'));
      return context.body(null, 204);
    });
}
