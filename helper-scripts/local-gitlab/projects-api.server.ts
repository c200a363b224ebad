import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { GitLabParts } from './gitlab-parts.server.ts';
import { NotFoundError } from './gitlab-store.ts';
import type { Hook } from './hook.ts';
import { answerPage, type GitLabContext, pathId, readParams } from './http-request.server.ts';
import { user } from './instance.ts';
import type { Project } from './project.ts';
import { renderHook, renderProject, renderUser } from './project-entity.ts';
import { isProtected } from './runner-matching.ts';
import { isSigningToken } from './webhook-signature.ts';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]);
const hookInput = z.looseObject({
  url: z.string().optional(),
  name: z.string().nullish(),
  token: z.string().nullish(),
  signing_token: z.string().nullish(),
  job_events: flag.optional(),
  enable_ssl_verification: flag.optional(),
});
type HookInput = z.infer<typeof hookInput>;

const fileInput = z.object({ content: z.string(), branch: z.string(), commit_message: z.string() });

const tagInput = z.object({ tag_name: z.string().min(1), ref: z.string() });

const ciConfigFile = '.gitlab-ci.yml';

/** Projects, their one file and their webhooks; and who asks. */
export function projectRoutes(parts: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  const { store, instance } = parts;
  return new Hono<{ Bindings: HttpBindings }>()
    .get('/version', (context) => context.json({ version: instance().version, revision: 'local' }))
    .get('/metadata', (context) => context.json({ version: instance().version, revision: 'local', enterprise: false }))
    .get('/user', (context) => context.json({ ...renderUser(instance()), email: user.email, is_admin: true }))
    .get('/personal_access_tokens/self', (context) =>
      context.json({
        id: 1,
        name: 'local',
        revoked: false,
        active: true,
        scopes: ['api'],
        user_id: user.id,
        expires_at: null,
      }),
    )
    .get('/projects', (context) =>
      answerPage(context, [...store.projects.values()], (project) => renderProject(project, instance())),
    )
    .get('/projects/:id', (context) =>
      context.json(renderProject(store.findProject(context.req.param('id')), instance())),
    )
    .post('/projects/:id/repository/files/:path', (context) => writeFile(context, parts, 201))
    .put('/projects/:id/repository/files/:path', (context) => writeFile(context, parts, 200))
    .get('/projects/:id/repository/branches/:name', (context) => context.json(branchOf(context, parts)))
    .post('/projects/:id/repository/tags', (context) => addTag(context, parts))
    .get('/projects/:id/repository/tags/:name', (context) => context.json(tagOf(context, parts)))
    .get('/projects/:id/hooks', (context) => {
      const project = store.findProject(context.req.param('id'));
      const hooks = [...store.hooks.values()].filter(({ projectId }) => projectId === project.id);
      return answerPage(context, hooks, (hook) => renderHook(hook, instance()));
    })
    .post('/projects/:id/hooks', (context) => addHook(context, parts))
    .get('/projects/:id/hooks/:hook_id', (context) => context.json(renderHook(findHook(context, parts), instance())))
    .put('/projects/:id/hooks/:hook_id', (context) => changeHook(context, parts))
    .delete('/projects/:id/hooks/:hook_id', (context) => {
      store.hooks.delete(findHook(context, parts).id);
      return context.body(null, 204);
    })
    .get('/projects/:id/hooks/:hook_id/events', (context) => {
      const hook = findHook(context, parts);
      const events = parts.sender.deliveries().filter(({ hookId }) => hookId === hook.id);
      return answerPage(context, [...events].reverse(), (delivery) => ({
        id: delivery.id,
        url: delivery.url,
        trigger: 'job_hooks',
        request_data: JSON.parse(delivery.body) as unknown,
        response_status: typeof delivery.outcome === 'number' ? String(delivery.outcome) : 'internal error',
        execution_duration: (delivery.latencyMs ?? 0) / 1000,
      }));
    })
    .post('/projects/:id/hooks/:hook_id/events/:event_id/resend', async (context) => {
      findHook(context, parts);
      const eventId = pathId(context, 'event_id');
      if (!parts.sender.deliveries().some(({ id }) => id === eventId)) throw new NotFoundError('Event', eventId);
      const { outcome } = await parts.sender.resend(eventId);
      return context.json({ response_status: String(outcome) }, 201);
    });
}

/** A branch is there once a pipeline ran on it; the default one always. */
function branchOf(context: GitLabContext, { store }: GitLabParts) {
  const project = store.findProject(context.req.param('id') ?? '');
  const name = context.req.param('name') ?? '';
  const isDefault = name === project.defaultBranch;
  const pipelines = [...store.pipelines.values()].filter(({ projectId }) => projectId === project.id);
  if (!isDefault && !pipelines.some(({ ref, refType }) => ref === name && refType === 'branch')) {
    throw new NotFoundError('Branch', name);
  }
  return { name, default: isDefault, protected: isProtected(project, { ref: name, refType: 'branch' }) };
}

function tagOf(context: GitLabContext, { store }: GitLabParts) {
  const project = store.findProject(context.req.param('id') ?? '');
  const name = context.req.param('name') ?? '';
  if (!project.gitTags.includes(name)) throw new NotFoundError('Tag', name);
  return renderTag(project, name);
}

/** Unlike GitLab it starts no pipeline for the tag. */
async function addTag(context: GitLabContext, { store, projects }: GitLabParts): Promise<Response> {
  const { id, gitTags } = store.findProject(context.req.param('id') ?? '');
  const { tag_name: name } = await readParams(context, tagInput);
  if (gitTags.includes(name)) throw new ApiError(400, { message: `Tag ${name} already exists` });
  projects.addGitTag(id, name);
  return context.json(renderTag(store.project(id), name), 201);
}

function renderTag(project: Project, name: string) {
  return { name, protected: isProtected(project, { ref: name, refType: 'tag' }) };
}

async function writeFile(context: GitLabContext, parts: GitLabParts, status: 200 | 201): Promise<Response> {
  const project = parts.store.findProject(context.req.param('id') ?? '');
  const path = context.req.param('path') ?? '';
  const { content, branch } = await readParams(context, fileInput);
  if (path !== ciConfigFile) throw new ApiError(400, { message: `the local GitLab keeps only ${ciConfigFile}` });
  parts.projects.setCiConfig(project.id, content);
  return context.json({ file_path: path, branch }, status);
}

async function addHook(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const project = parts.store.findProject(context.req.param('id') ?? '');
  const input = await readParams(context, hookInput);
  const hook = parts.projects.addHook(project.id, applyHookInput(emptyHook, input, parts));
  return context.json(renderHook(hook, parts.instance()), 201);
}

async function changeHook(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const hook = findHook(context, parts);
  const changed: Hook = { ...hook, ...applyHookInput(hook, await readParams(context, hookInput), parts) };
  parts.store.hooks.set(hook.id, changed);
  return context.json(renderHook(changed, parts.instance()));
}

type HookSettings = Omit<Hook, 'id' | 'projectId' | 'createdAt'>;

const emptyHook: HookSettings = {
  url: '',
  name: null,
  token: null,
  signingToken: null,
  jobEvents: false,
  otherEvents: { push_events: true },
  sslVerification: true,
};

/** What is not mentioned stays. GitLab before 19.0 takes a signing token without a word and ignores it. */
function applyHookInput(hook: HookSettings, input: HookInput, { instance }: GitLabParts): HookSettings {
  const url = input.url ?? hook.url;
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new ApiError(422, { error: 'Invalid url given' });
  const signingToken = instance().hookShape === 'old' ? null : given(input.signing_token, hook.signingToken);
  if (signingToken !== null && !isSigningToken(signingToken)) {
    throw new ApiError(422, { message: { signing_token: ['must be whsec_ followed by 32 bytes in base64'] } });
  }
  const others = Object.entries(input).flatMap(([key, value]) => {
    const event = flag.safeParse(value);
    return key.endsWith('_events') && key !== 'job_events' && event.success ? [[key, event.data] as const] : [];
  });
  return {
    url,
    name: given(input.name, hook.name),
    token: given(input.token, hook.token),
    signingToken,
    jobEvents: input.job_events ?? hook.jobEvents,
    otherEvents: { ...hook.otherEvents, ...Object.fromEntries(others) },
    sslVerification: input.enable_ssl_verification ?? hook.sslVerification,
  };
}

/** An empty text or null takes a value away. */
function given(value: string | null | undefined, present: string | null): string | null {
  return value === undefined ? present : value === '' ? null : value;
}

function findHook(context: GitLabContext, { store }: GitLabParts): Hook {
  const project = store.findProject(context.req.param('id') ?? '');
  const hook = store.hook(pathId(context, 'hook_id'));
  if (hook.projectId !== project.id) throw new NotFoundError('Hook', hook.id);
  return hook;
}
