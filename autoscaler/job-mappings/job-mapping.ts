import * as z from 'zod/mini';

export const runnerTypes = ['LAMBDA', 'EC2'] as const;
/** Where a job can run. A new runner type is a new word here, and the compiler then shows every place that needs it. */
export type RunnerType = (typeof runnerTypes)[number];

/** DynamoDB partition and sort keys may not be longer than this many bytes. */
const longestKeyBytes = 1_024;

/**
 * One item of the job mappings table, as people write it:
 * `pk = job#<name>`, `sk = tags#<tag>#<tag>` (`tags#` for none), `type`, and by type an `arn` (LAMBDA: the function, or the name of a
 * LAMBDA profile) or a `profile` (EC2). Unknown attributes are left alone: they may be a person's own notes.
 */
const mappingItemSchema = z.object({
  pk: z
    .string()
    .check(
      z.regex(/^job#./su, 'must be "job#" and the name of a job, "job#*" for every job'),
      z.maxLength(longestKeyBytes),
    ),
  sk: z
    .string()
    .check(z.regex(/^tags#/u, 'must be "tags#", or "tags#" and tags separated by "#"'), z.maxLength(longestKeyBytes)),
  type: z.enum([...runnerTypes, 'IGNORE']),
  arn: z.optional(z.string().check(z.minLength(1))),
  profile: z.optional(z.string().check(z.minLength(1))),
  project: z.optional(z.string().check(z.minLength(1))),
  maxConcurrent: z.optional(z.int().check(z.positive())),
  timeoutMinutes: z.optional(z.int().check(z.minimum(10), z.maximum(10_080))),
  variables: z.optional(z.record(z.string(), z.string())),
});

export type JobMapping = {
  /** `pk` and `sk` as they stand in the table: how logs and people name the row. */
  readonly id: string;
  /** Name of a job without parallel or matrix suffix, a glob, or `*`. */
  readonly jobName: string;
  /** Tags that must all be on the job; sorted. */
  readonly tags: readonly string[];
  readonly project?: string | undefined;
  readonly target: MappingTarget;
  readonly maxConcurrent?: number | undefined;
  readonly timeoutMinutes?: number | undefined;
};

export type MappingTarget =
  | { readonly type: 'IGNORE' }
  /** `function`: an ARN, or the name of a LAMBDA profile. */
  | { readonly type: 'LAMBDA'; readonly function: string }
  | { readonly type: 'EC2'; readonly profile: string };

/** A row of the table that cannot be used, and why: it is skipped and reported, and never stops other jobs. */
export type InvalidMapping = { readonly id: string; readonly faults: readonly string[] };

/** Reads one item of the table. Items with `pk`, `sk`, `type` and `arn` only, as older systems wrote them, are read the same. */
export function readMapping(item: Readonly<Record<string, unknown>>): JobMapping | InvalidMapping {
  const id = `${String(item.pk)} ${String(item.sk)}`;
  const parsed = mappingItemSchema.safeParse(item);
  if (!parsed.success) {
    return { id, faults: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
  }
  const { pk, sk, type, arn, profile, project, maxConcurrent, timeoutMinutes } = parsed.data;
  if (type === 'LAMBDA' && !arn) return { id, faults: ['arn: a LAMBDA mapping needs the function to invoke'] };
  return {
    id,
    jobName: pk.slice('job#'.length),
    tags: sk.slice('tags#'.length).split('#').filter(Boolean).sort(),
    project,
    target: targetOf(type, arn ?? '', profile ?? 'default'),
    maxConcurrent,
    timeoutMinutes,
  };
}

function targetOf(type: RunnerType | 'IGNORE', lambda: string, profile: string): MappingTarget {
  switch (type) {
    case 'IGNORE':
      return { type };
    case 'LAMBDA':
      return { type, function: lambda };
    case 'EC2':
      return { type, profile };
  }
}

/** Says whether {@link readMapping} could use the row. */
export function isUsable(mapping: JobMapping | InvalidMapping): mapping is JobMapping {
  return 'target' in mapping;
}
