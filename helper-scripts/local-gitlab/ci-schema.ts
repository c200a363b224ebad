import { z } from 'zod';

/**
 * What of `.gitlab-ci.yml` the local GitLab understands: https://docs.gitlab.com/ci/yaml/. Anything else is refused by
 * name.
 */

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((value) => String(value ?? ''));

/** A string, or lists nested one deep (YAML anchors make such). */
const script = z
  .union([z.string(), z.array(z.union([z.string(), z.array(z.string())]))])
  .transform((value) => [value].flat(2));

const tags = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const image = z
  .union([z.string(), z.strictObject({ name: z.string(), entrypoint: z.unknown().optional() })])
  .transform((value) => (typeof value === 'string' ? value : value.name));

const variables = z.record(
  z.string(),
  z.union([scalar, z.strictObject({ value: scalar, description: z.string().optional() })]),
);

/** `needs:` by name; what it says about artifacts does not matter here. */
const needs = z
  .array(z.union([z.string(), z.strictObject({ job: z.string(), artifacts: z.boolean().optional() })]))
  .transform((list) => list.map((need) => (typeof need === 'string' ? need : need.job)));

const matrix = z.array(
  z.record(
    z.string(),
    z.union([scalar, z.array(scalar)]).transform((value) => [value].flat()),
  ),
);

const whens = ['on_success', 'on_failure', 'always', 'manual', 'delayed'] as const;
export type When = (typeof whens)[number];

const inheritable = {
  before_script: script.optional(),
  after_script: script.optional(),
  image: image.optional(),
  /** Accepted; nothing here starts them. */
  services: z.array(z.unknown()).optional(),
};

const defaultable = {
  ...inheritable,
  tags: tags.optional(),
  timeout: z.union([z.string(), z.number()]).transform(String).optional(),
  /** Accepted with a warning: the local GitLab repeats nothing by itself. */
  retry: z.unknown().optional(),
  interruptible: z.boolean().optional(),
};

export const jobSchema = z.strictObject({
  ...defaultable,
  stage: z.string().default('test'),
  script,
  variables: variables.default({}),
  allow_failure: z.boolean().optional(),
  when: z.enum(whens).default('on_success'),
  start_in: z.union([z.string(), z.number()]).transform(String).optional(),
  resource_group: z.string().optional(),
  needs: needs.optional(),
  parallel: z.union([z.number().int().min(1).max(200), z.strictObject({ matrix })]).optional(),
});
export type JobConfig = z.infer<typeof jobSchema>;
export type Matrix = z.infer<typeof matrix>;

export const globalSchema = z.strictObject({
  ...inheritable,
  default: z.strictObject(defaultable).default({}),
  stages: z.array(z.string()).default(['build', 'test', 'deploy']),
  variables: variables.default({}),
});
export type GlobalConfig = z.infer<typeof globalSchema>;

/** Keys at the top of the file that are not jobs, whether understood or not. */
export const globalKeys: ReadonlySet<string> = new Set([
  ...Object.keys(globalSchema.shape),
  'workflow',
  'include',
  'cache',
  'pages',
  'spec',
]);
