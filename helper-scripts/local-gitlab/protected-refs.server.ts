import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { GitLabParts } from './gitlab-parts.server.ts';
import { answerPage, readParams } from './http-request.server.ts';
import type { RefType } from './project.ts';

const newPattern = z.object({ name: z.string().min(1) });
const paths = { branch: 'protected_branches', tag: 'protected_tags' } as const;

/**
 * What a project protects: names of branches or of git tags, or wildcards. Sources:
 * https://docs.gitlab.com/api/protected_branches/, https://docs.gitlab.com/api/protected_tags/
 */
export function protectedRefRoutes(type: RefType, { store, projects }: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  const path = `/projects/:id/${paths[type]}`;
  const patternsOf = (project: string) => store.findProject(project).protectedRefs[type];
  return new Hono<{ Bindings: HttpBindings }>()
    .get(path, (context) => answerPage(context, patternsOf(context.req.param('id') ?? ''), render))
    .post(path, async (context) => {
      const { id, protectedRefs } = store.findProject(context.req.param('id') ?? '');
      const { name } = await readParams(context, newPattern);
      if (protectedRefs[type].includes(name)) {
        throw new ApiError(409, { message: `Protected ${type} '${name}' already exists` });
      }
      projects.setProtectedRefs(id, type, [...protectedRefs[type], name]);
      return context.json(render(name), 201);
    })
    .delete(`${path}/:name`, (context) => {
      const { id, protectedRefs } = store.findProject(context.req.param('id') ?? '');
      const name = context.req.param('name');
      if (!protectedRefs[type].includes(name)) throw new ApiError(404, { message: '404 Not found' });
      const others = protectedRefs[type].filter((one) => one !== name);
      projects.setProtectedRefs(id, type, others);
      return context.body(null, 204);
    });
}

function render(name: string) {
  return { name };
}
