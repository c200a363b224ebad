import * as z from 'zod/mini';
import { nearestOf } from '../../infrastructure/deployment/nearest-name.ts';
import { type Exactness, exactSchema } from '../../infrastructure/kit/exactness.ts';
import { projectGlobFault } from '../../infrastructure/kit/project-glob.ts';
import { tagFaults, tagsOfSortKey } from './tags-key.ts';

export const runnerTypes = ['LAMBDA', 'EC2'] as const;
/** Where a job can run. A new runner type is a new word here, and the compiler then shows every place that needs it. */
export type RunnerType = (typeof runnerTypes)[number];

/** Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const longestPartitionKeyBytes = 2_048;
const longestSortKeyBytes = 1_024;

const utf8 = new TextEncoder();
const key = (pattern: RegExp, form: string, longestBytes: number) =>
  z.string(form).check(
    z.regex(pattern, form),
    // A character takes three bytes at most; few keys have to be counted.
    z.refine(
      (text) => text.length * 3 <= longestBytes || utf8.encode(text).length <= longestBytes,
      `may not be longer than ${longestBytes} bytes`,
    ),
  );
const nonEmpty = (what: string) => z.string(what).check(z.minLength(1, what));
/** What editors and the JSON schema say of an attribute. */
const described = <Schema extends z.ZodMiniType>(schema: Schema, description: string) =>
  schema.check(z.describe(description)) as Schema;

const capMessage = 'must be a whole number from 1 on';
const timeoutMessage = 'must be whole minutes from 10 (GitLab takes no less) to 10080 (a week)';

const everyType = z.object({
  pk: described(
    key(/^job#./su, 'must be "job#" and the name of a job, "job#*" for every job', longestPartitionKeyBytes),
    '"job#" and the name of a job without the suffix of parallel and matrix jobs; "*" and "?" are wildcards, "job#*" is every job.',
  ),
  sk: described(
    key(/^tags#/u, 'must be "tags#", or "tags#" and tags separated by "#"', longestSortKeyBytes).check(
      z.superRefine((sk, context) => {
        for (const fault of tagFaults(sk)) context.addIssue(fault);
      }),
    ),
    '"tags#" and the tags that must all be on the job, sorted and separated by "#"; "tags#" alone asks for none. In a tag, "%23" is a "#" and "%2C" a comma.',
  ),
  project: z.optional(
    described(
      z.string('must be the path of a project, or a glob').check(
        z.superRefine((glob, context) => {
          const fault = projectGlobFault(glob);
          if (fault !== null) context.addIssue(fault);
        }),
      ),
      'Only jobs of this project, by its path; a glob ("group/*", "group/**") for several.',
    ),
  ),
  ref: z.optional(
    described(
      nonEmpty('must be a branch or tag, or a glob'),
      'Only jobs of this branch or tag; "*" and "?" are wildcards.',
    ),
  ),
  stage: z.optional(described(nonEmpty('must be the name of a stage'), 'Only jobs of this stage.')),
  protected: z.optional(
    described(
      z.literal(true, 'must be true; leave it out for jobs of every ref'),
      'Only jobs of protected branches and tags. A profile with accessLevel "ref_protected" keeps all others out by GitLab itself.',
    ),
  ),
  maxConcurrent: z.optional(
    described(z.int(capMessage).check(z.positive(capMessage)), 'Runners of this row that may live at the same time.'),
  ),
  timeoutMinutes: z.optional(
    described(
      z.int(timeoutMessage).check(z.minimum(10, timeoutMessage), z.maximum(10_080, timeoutMessage)),
      "Longest time of a job; the profile's own limit stays.",
    ),
  ),
  exact: z.optional(exactSchema),
  note: z.optional(described(z.unknown(), 'For people: kept with the row, and never looked at.')),
  variables: z.optional(
    described(
      z.record(z.string(), z.string('must be text'), 'must be names and texts'),
      'Kept with the row, and never given to jobs: a runner hands its variables to whichever job it takes. Write "environment" into a profile.',
    ),
  ),
});

const byType = {
  LAMBDA: z.object({
    type: z.literal('LAMBDA'),
    arn: described(
      nonEmpty('a LAMBDA mapping needs the function to invoke'),
      'The function: its ARN, or the name of a LAMBDA profile. Only what this deployment made can be named.',
    ),
    fallbackProfile: z.optional(
      described(
        nonEmpty('must be the name of a profile'),
        'The profile, of any type, that is used from the second attempt on, when the function did not give the job a runner.',
      ),
    ),
  }),
  EC2: z.object({
    type: z.literal('EC2'),
    profile: z._default(described(nonEmpty('must be the name of an EC2 profile'), 'The EC2 profile.'), 'default'),
  }),
  IGNORE: z.object({
    type: described(z.literal('IGNORE'), 'The job is left to other runners.'),
  }),
} satisfies Record<RunnerType | 'IGNORE', z.ZodMiniType>;

/** The attribute in which a row of a type names its runner. */
export const namingAttributes = { LAMBDA: 'arn', EC2: 'profile' } as const satisfies Record<RunnerType, string>;

const typeMessage = 'must be LAMBDA, EC2 or IGNORE';
const whatTypesAdd = z.discriminatedUnion('type', [byType.LAMBDA, byType.EC2, byType.IGNORE], typeMessage);

/**
 * One item of the job mappings table, as people write it: `pk = job#<name>`, `sk = tags#<tag>#<tag>` (`tags#` for
 * none), `type`, and by type an `arn` (LAMBDA: the function, or the name of a LAMBDA profile) or a `profile` (EC2).
 * What else a row says must be known as well (see {@link readMapping}): a condition that is misspelt would otherwise be
 * none.
 */
export const mappingItemSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ ...everyType.shape, ...byType.LAMBDA.shape }),
    z.strictObject({ ...everyType.shape, ...byType.EC2.shape }),
    z.strictObject({ ...everyType.shape, ...byType.IGNORE.shape }),
  ],
  typeMessage,
);

/** Every attribute that a row may have, whatever its type. */
export const mappingAttributes: readonly string[] = [
  ...new Set([everyType, ...Object.values(byType)].flatMap((schema) => Object.keys(schema.shape))),
];

export type JobMapping = {
  /** `pk` and `sk` as they stand in the table: how logs and people name the row. */
  readonly id: string;
  /** Name of a job without parallel or matrix suffix, a glob, or `*`. */
  readonly jobName: string;
  /** Tags that must all be on the job; sorted. */
  readonly tags: readonly string[];
  readonly project?: string | undefined;
  /** A branch or tag, or a glob. */
  readonly ref?: string | undefined;
  readonly stage?: string | undefined;
  /** Only jobs of protected branches and tags. */
  readonly isProtected?: true | undefined;
  readonly target: MappingTarget;
  readonly maxConcurrent?: number | undefined;
  readonly timeoutMinutes?: number | undefined;
  /** Instead of the deployment's. */
  readonly exact?: Exactness | undefined;
};

export type MappingTarget =
  | { readonly type: 'IGNORE' }
  | {
      readonly type: RunnerType;
      /** The name of a profile of that type, or the ARN of its function. */
      readonly profile: string;
      /** Where the job goes when that failed. */
      readonly fallbackProfile?: string;
    };

/** A row of the table that cannot be used, and why: it is skipped and reported, and never stops other jobs. */
export type InvalidMapping = { readonly id: string; readonly faults: readonly string[] };

/**
 * Reads one item of the table. Items with `pk`, `sk`, `type` and `arn` only, as older systems wrote them, are read the
 * same.
 */
export function readMapping(item: unknown): JobMapping | InvalidMapping {
  if (!isItem(item)) return { id: '(no item)', faults: ['must be an object with pk, sk and type'] };
  const id = rowIdOf(item);
  const parsed = mappingItemSchema.safeParse(item);
  const unknown = unknownAttributes(item);
  if (!parsed.success || unknown.length > 0) return { id, faults: [...faultsOf(item), ...unknown] };
  const { pk, sk, project, ref, stage, protected: isProtected, maxConcurrent, timeoutMinutes, exact } = parsed.data;
  return {
    id,
    jobName: pk.slice('job#'.length),
    tags: tagsOfSortKey(sk),
    project,
    ref,
    stage,
    isProtected,
    target: targetOf(parsed.data),
    maxConcurrent,
    timeoutMinutes,
    exact,
  };
}

/** How logs and people name a row, whatever it holds. */
export function rowIdOf({ pk, sk }: { readonly pk?: unknown; readonly sk?: unknown }): string {
  return `${textOf(pk)} ${textOf(sk)}`;
}

/** Says whether {@link readMapping} could use the row. */
export function isUsable(mapping: JobMapping | InvalidMapping): mapping is JobMapping {
  return 'target' in mapping;
}

function targetOf(item: z.output<typeof mappingItemSchema>): MappingTarget {
  if (item.type === 'IGNORE') return { type: item.type };
  const fallbackProfile = 'fallbackProfile' in item ? item.fallbackProfile : undefined;
  return {
    type: item.type,
    profile: 'arn' in item ? item.arn : item.profile,
    ...(fallbackProfile === undefined ? {} : { fallbackProfile }),
  };
}

function isItem(item: unknown): item is Readonly<Record<string, unknown>> {
  return typeof item === 'object' && item !== null && !Array.isArray(item);
}

/** Keys of rubbish rows may be anything, an object without a prototype too, which `String` cannot print. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}

/** An attribute that nobody reads, `projekt` say, is a limit or condition that would silently not hold. */
function unknownAttributes(item: Readonly<Record<string, unknown>>): string[] {
  const { type } = item;
  const own = isType(type) ? Object.keys({ ...everyType.shape, ...byType[type].shape }) : mappingAttributes;
  return Object.keys(item)
    .filter((name) => !own.includes(name))
    .map((name) => {
      if (mappingAttributes.includes(name)) return `${name}: is nothing that a row of the type ${type} has; remove it`;
      const nearest = nearestOf(name, own);
      const remedy =
        nearest === undefined ? 'remove it, or write what is for people into "note"' : `write "${nearest}"`;
      return `${name}: is no attribute of a mapping; ${remedy}`;
    });
}

function isType(type: unknown): type is keyof typeof byType {
  return typeof type === 'string' && Object.hasOwn(byType, type);
}

/** Every fault at once: of an unknown type, the schema of all would say nothing else. */
function faultsOf(item: unknown): string[] {
  const issues = [everyType, whatTypesAdd].flatMap((schema) => schema.safeParse(item).error?.issues ?? []);
  return issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
}
