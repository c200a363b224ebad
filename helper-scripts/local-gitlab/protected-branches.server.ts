import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { GitLabParts } from './gitlab-parts.server.ts';
import { answerPage, readParams } from './http-request.server.ts';

const newBranch = z.object({ name: z.string().min(1) });

/**
 * What a project protects: names of branches, or wildcards. Its pipelines are of branches alone, so that it has no
 * protected tags. Source: https://docs.gitlab.com/api/protected_branches/
 */
export function protectedBranchRoutes({ store, projects }: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .get('/projects/:id/protected_branches', (context) =>
      answerPage(context, store.findProject(context.req.param('id')).protectedBranches, render),
    )
    .post('/projects/:id/protected_branches', async (context) => {
      const { id, protectedBranches } = store.findProject(context.req.param('id'));
      const { name } = await readParams(context, newBranch);
      if (protectedBranches.includes(name)) {
        throw new ApiError(409, { message: `Protected branch '${name}' already exists` });
      }
      projects.setProtectedBranches(id, [...protectedBranches, name]);
      return context.json(render(name), 201);
    })
    .delete('/projects/:id/protected_branches/:name', (context) => {
      const { id, protectedBranches } = store.findProject(context.req.param('id'));
      const name = context.req.param('name');
      if (!protectedBranches.includes(name)) throw new ApiError(404, { message: '404 Not found' });
      const others = protectedBranches.filter((one) => one !== name);
      projects.setProtectedBranches(id, others);
      return context.body(null, 204);
    });
}

function render(name: string) {
  return { name, allow_force_push: false };
}
