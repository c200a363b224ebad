import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { badRequest } from './api-error.ts';
import { type GitLabParts, jobSubject, rendering } from './gitlab-parts.server.ts';
import { answerPage, type GitLabContext, pathId, readParams } from './http-request.server.ts';
import { jobStatuses } from './job.ts';
import { renderJobWithProject } from './job-entity.ts';
import { contactStatus, type Runner, runnerTypes } from './runner.ts';
import { renderManager, renderRunner, renderRunnerDetails } from './runner-entity.ts';
import { newRunnerInput, runnerChangeInput } from './runner-input.ts';
import { isInScope } from './runner-matching.ts';
import { InvalidRunnerError } from './runners.ts';

const listFilter = z.object({
  type: z.enum(runnerTypes).optional(),
  status: z.enum(['online', 'offline', 'stale', 'never_contacted']).optional(),
  paused: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .optional(),
  tag_list: z.union([z.array(z.string()), z.string().transform((text) => text.split(','))]).optional(),
});

const jobsFilter = z.object({ status: z.enum(jobStatuses).optional(), system_id: z.string().optional() });

/** Runners as users and autoscalers see them: https://docs.gitlab.com/api/runners/. */
export function runnerRoutes(parts: GitLabParts): Hono<{ Bindings: HttpBindings }> {
  const every = (): readonly Runner[] => [...parts.store.runners.values()];
  return new Hono<{ Bindings: HttpBindings }>()
    .post('/user/runners', (context) => createRunner(context, parts))
    .get('/runners', (context) =>
      listRunners(
        context,
        parts,
        every().filter(({ type }) => type !== 'instance_type'),
      ),
    )
    .get('/runners/all', (context) => listRunners(context, parts, every()))
    .get('/runners/:id', (context) => showRunner(context, parts))
    .put('/runners/:id', (context) => changeRunner(context, parts))
    .delete('/runners/:id', (context) => {
      parts.runners.delete(pathId(context, 'id'));
      return context.body(null, 204);
    })
    .get('/runners/:id/jobs', (context) => listJobs(context, parts))
    .get('/runners/:id/managers', (context) => {
      const runner = parts.store.runner(pathId(context, 'id'));
      const managers = parts.store.managersOf(runner.id).map((manager) => renderManager(manager, rendering(parts)));
      return context.json(managers);
    })
    .get('/projects/:id/runners', (context) => {
      const project = parts.store.findProject(context.req.param('id'));
      return listRunners(
        context,
        parts,
        every().filter((runner) => isInScope(runner, project)),
      );
    })
    .get('/groups/:id/runners', (context) => {
      const id = pathId(context, 'id');
      return listRunners(
        context,
        parts,
        every().filter(({ groupId }) => groupId === id),
      );
    });
}

/** GitLab words the model's refusals differently here than where a runner is changed. */
async function createRunner(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const input = await readParams(context, newRunnerInput.check(needsScope));
  try {
    const { id, token, tokenExpiresAt } = parts.runners.create(input);
    return context.json({ id, token, token_expires_at: tokenExpiresAt }, 201);
  } catch (error) {
    if (!(error instanceof InvalidRunnerError)) throw error;
    const sentences = Object.entries(error.faults).map(
      ([key, texts]) => `${sentenceStart(key)} ${texts.join(' and ')}`,
    );
    throw badRequest(sentences.join(' and '));
  }
}

/** A project's runner needs the project, a group's the group. */
function needsScope(payload: z.core.ParsePayload<z.infer<typeof newRunnerInput>>): void {
  const { runner_type, project_id, group_id } = payload.value;
  const missing =
    runner_type === 'project_type' && project_id === undefined
      ? 'project_id'
      : runner_type === 'group_type' && group_id === undefined
        ? 'group_id'
        : undefined;
  if (missing === undefined) return;
  payload.issues.push({ code: 'custom', path: [missing], input: undefined });
}

async function listRunners(context: GitLabContext, parts: GitLabParts, all: readonly Runner[]): Promise<Response> {
  const { type, status, paused, tag_list: tags } = await readParams(context, listFilter);
  const how = rendering(parts);
  const chosen = all.filter(
    (runner) =>
      (type === undefined || runner.type === type) &&
      (status === undefined || contactStatus(runner, how.now) === status) &&
      (paused === undefined || runner.paused === paused) &&
      (tags === undefined || tags.every((tag) => runner.tags.includes(tag))),
  );
  return answerPage(context, newestFirst(chosen), (runner) => renderRunner(runner, how));
}

function showRunner(context: GitLabContext, parts: GitLabParts): Response {
  return context.json(renderDetails(parts, parts.store.runner(pathId(context, 'id'))));
}

async function changeRunner(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const input = await readParams(context, runnerChangeInput);
  const runner = parts.runners.change(pathId(context, 'id'), input);
  parts.queue.refresh(runner.id);
  return context.json(renderDetails(parts, runner));
}

async function listJobs(context: GitLabContext, parts: GitLabParts): Promise<Response> {
  const runner = parts.store.runner(pathId(context, 'id'));
  const { status, system_id: systemId } = await readParams(context, jobsFilter);
  const how = rendering(parts);
  const jobs = [...parts.store.jobs.values()].filter(
    (job) =>
      job.runnerId === runner.id &&
      (status === undefined || job.status === status) &&
      (systemId === undefined ||
        (job.managerId !== null && parts.store.managers.get(job.managerId)?.systemId === systemId)),
  );
  return answerPage(context, newestFirst(jobs), (job) => renderJobWithProject(jobSubject(parts, job), how));
}

function renderDetails(parts: GitLabParts, runner: Runner) {
  const { store } = parts;
  const projects = runner.projectId === null ? [] : [store.project(runner.projectId)];
  const group = runner.groupId === null ? undefined : store.groups.get(runner.groupId);
  const groups = group === undefined ? [] : [group];
  return renderRunnerDetails({ runner, managers: store.managersOf(runner.id), projects, groups }, rendering(parts));
}

function newestFirst<T extends { readonly id: number }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => b.id - a.id);
}

function sentenceStart(key: string): string {
  const words = key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
