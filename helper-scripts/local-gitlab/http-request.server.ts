import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { z } from 'zod';
import { invalidParameters } from './api-error.ts';
import { paginate } from './pagination.ts';

export type GitLabContext = Context<{ Bindings: HttpBindings }>;

/**
 * The parameters of a request, wherever they stand: query, JSON or form. `name[]` makes a list.
 * @throws ApiError 400 when they do not fit the schema
 */
export async function readParams<T extends z.ZodType>(context: GitLabContext, schema: T): Promise<z.infer<T>> {
  const given = { ...readQuery(context), ...(await readBody(context)) };
  const result = schema.safeParse(given);
  if (!result.success) throw invalidParameters(result.error, given);
  return result.data;
}

/** One page of a list as the answer. */
export function answerPage<T>(
  context: GitLabContext,
  list: readonly T[],
  render: (item: T) => unknown,
  counted = true,
): Response {
  const { items, headers } = paginate(list, new URL(context.req.url), counted);
  return context.json(items.map(render), 200, { ...headers });
}

/** A number in the path; 0, which no record has, when it is none. */
export function pathId(context: GitLabContext, name: string): number {
  const id = Number(context.req.param(name));
  return Number.isInteger(id) ? id : 0;
}

function readQuery(context: GitLabContext): Record<string, unknown> {
  return collect(new URL(context.req.url).searchParams);
}

async function readBody(context: GitLabContext): Promise<Record<string, unknown>> {
  const text = await context.req.text();
  if (text === '') return {};
  if (!context.req.header('content-type')?.includes('json')) return collect(new URLSearchParams(text));
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

function collect(params: URLSearchParams): Record<string, unknown> {
  const collected: Record<string, unknown> = {};
  for (const key of new Set(params.keys())) {
    if (key.endsWith('[]')) collected[key.slice(0, -2)] = params.getAll(key);
    else collected[key] = params.get(key);
  }
  return collected;
}
