import { parse } from 'yaml';
import { z } from 'zod';
import { type GlobalConfig, globalKeys, globalSchema, type JobConfig, jobSchema, type When } from './ci-schema.ts';
import { parseDurationSeconds } from './duration.ts';
import { expandVariables } from './expand-variables.ts';
import { expandParallel } from './parallel-jobs.ts';

/** Everything about a job that its pipeline's file decides. */
export interface JobPlan {
  readonly name: string;
  /** The entry in the file, which `needs:` names: `rspec` for `rspec 1/3`. */
  readonly entry: string;
  readonly stage: string;
  readonly stageIndex: number;
  /** null: the job waits for its stage. */
  readonly needs: readonly string[] | null;
  readonly when: When;
  /** Of a delayed job: how long it waits once it could begin. */
  readonly startInSeconds: number | null;
  /** Of the project's jobs that name the same, one runs at a time. */
  readonly resourceGroup: string | null;
  readonly allowFailure: boolean;
  readonly tags: readonly string[];
  readonly script: readonly string[];
  readonly afterScript: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** null: the project's. */
  readonly timeoutSeconds: number | null;
  readonly image: string | null;
}

export interface PipelinePlan {
  readonly jobs: readonly JobPlan[];
  readonly warnings: readonly string[];
}

/** All faults of a file at once, each naming the job and the key. */
export class CiConfigError extends Error {
  override readonly name = 'CiConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(`the .gitlab-ci.yml cannot be used: ${faults.join('; ')}`, options);
    this.faults = faults;
  }
}

const firstStage = '.pre';
const lastStage = '.post';

/**
 * Reads a `.gitlab-ci.yml`.
 * @throws CiConfigError for what GitLab would refuse and for what the local GitLab does not know (`rules`, `include`,
 * `artifacts`, ...): a job that silently ran otherwise than on GitLab would be worse.
 */
export function parseCiConfig(yamlText: string): PipelinePlan {
  const document = parseYaml(yamlText);
  const entries = Object.entries(document);
  const global = globalSchema.safeParse(Object.fromEntries(entries.filter(([key]) => globalKeys.has(key))));
  const jobEntries = entries.filter(([key]) => !globalKeys.has(key) && !key.startsWith('.'));
  const parsed = jobEntries.map(([entry, value]) => ({ entry, result: jobSchema.safeParse(value) }));

  const faults = [
    ...(global.success ? [] : describeFaults('the file', global.error)),
    ...parsed.flatMap(({ entry, result }) => (result.success ? [] : describeFaults(`job "${entry}"`, result.error))),
    ...(jobEntries.length === 0 ? ['it has no job'] : []),
  ];
  if (!global.success || faults.length > 0) throw new CiConfigError(faults);

  const jobs = parsed.flatMap(({ entry, result }) => (result.success ? [{ entry, job: result.data }] : []));
  const stages = [firstStage, ...global.data.stages.filter((stage) => !isImplied(stage)), lastStage];
  const wrong = [
    ...jobs.flatMap(({ entry, job }) => describeMisfits(entry, job, global.data, stages)),
    ...describeNeeds(jobs),
  ];
  if (wrong.length > 0) throw new CiConfigError(wrong);
  return {
    jobs: jobs.flatMap(({ entry, job }) => planJobs(entry, job, global.data, stages)).sort(byStage),
    warnings: jobs.flatMap(({ entry, job }) => (job.retry === undefined ? [] : [`job "${entry}": retry is ignored`])),
  };
}

function parseYaml(text: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = parse(text, { merge: true });
  } catch (cause) {
    throw new CiConfigError([cause instanceof Error ? cause.message : String(cause)], { cause });
  }
  const result = z.record(z.string(), z.unknown()).safeParse(document);
  if (!result.success) throw new CiConfigError(['it is not a mapping of jobs']);
  return result.data;
}

function planJobs(entry: string, job: JobConfig, global: GlobalConfig, stages: readonly string[]): readonly JobPlan[] {
  const inherited = { ...global, ...global.default };
  const timeout = job.timeout ?? inherited.timeout;
  return expandParallel(entry, job.parallel).map(({ name, variables: ofInstance }) => {
    const variables = { ...plainVariables(global.variables), ...plainVariables(job.variables), ...ofInstance };
    const tags = job.tags ?? inherited.tags ?? [];
    return {
      name,
      entry,
      stage: job.stage,
      stageIndex: stages.indexOf(job.stage),
      needs: job.needs ?? null,
      when: job.when,
      startInSeconds: job.start_in === undefined ? null : (parseDurationSeconds(job.start_in) ?? null),
      resourceGroup:
        job.resource_group === undefined ? null : expandVariables(job.resource_group, (key) => variables[key]),
      // A manual job does not hold up the pipeline unless it says so.
      allowFailure: job.allow_failure ?? job.when === 'manual',
      tags: [...new Set(tags.map((tag) => expandVariables(tag, (key) => variables[key])))].sort(),
      script: [...(job.before_script ?? inherited.before_script ?? []), ...job.script],
      afterScript: job.after_script ?? inherited.after_script ?? [],
      variables,
      timeoutSeconds: timeout === undefined ? null : (parseDurationSeconds(timeout) ?? null),
      image: job.image ?? inherited.image ?? null,
    };
  });
}

function plainVariables(variables: JobConfig['variables']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).map(([key, value]) => [key, typeof value === 'string' ? value : value.value]),
  );
}

function describeMisfits(entry: string, job: JobConfig, global: GlobalConfig, stages: readonly string[]): string[] {
  const timeout = job.timeout ?? global.default.timeout;
  return [
    ...(stages.includes(job.stage)
      ? []
      : [`job "${entry}": stage "${job.stage}" does not exist; there are ${stages.join(', ')}`]),
    ...(timeout !== undefined && parseDurationSeconds(timeout) === undefined
      ? [`job "${entry}": timeout "${timeout}" is not a duration`]
      : []),
    ...describeDelay(entry, job),
  ];
}

function describeDelay(entry: string, { when, start_in: startIn }: JobConfig): string[] {
  if (when !== 'delayed') {
    return startIn === undefined ? [] : [`job "${entry}": start_in is only for a job with "when: delayed"`];
  }
  if (startIn !== undefined && parseDurationSeconds(startIn) !== undefined) return [];
  return [`job "${entry}": start_in ${startIn === undefined ? 'is missing' : `"${startIn}" is not a duration`}`];
}

/** Needs that name no job, and needs that lead back to where they began. */
function describeNeeds(jobs: readonly { readonly entry: string; readonly job: JobConfig }[]): string[] {
  const needsOf = new Map(jobs.map(({ entry, job }) => [entry, job.needs ?? []]));
  const unknown = jobs.flatMap(({ entry, job }) =>
    (job.needs ?? [])
      .filter((need) => !needsOf.has(need))
      .map((need) => `job "${entry}": needs "${need}", which is not a job of this file`),
  );
  const leadsTo = (from: string, target: string, seen: ReadonlySet<string> = new Set()): boolean =>
    (needsOf.get(from) ?? []).some(
      (need) => need === target || (!seen.has(need) && leadsTo(need, target, new Set([...seen, need]))),
    );
  const circular = jobs
    .filter(({ entry }) => leadsTo(entry, entry))
    .map(({ entry }) => `job "${entry}": needs lead back to it`);
  return [...unknown, ...circular];
}

function describeFaults(where: string, error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${where}: key "${key}" is not supported by the local GitLab`);
    }
    const path = issue.path.join('.');
    if (path === '') return [`${where}: ${issue.message}`];
    return [`${where}: key "${path}": ${issue.message}`];
  });
}

function isImplied(stage: string): boolean {
  return stage === firstStage || stage === lastStage;
}

function byStage(a: JobPlan, b: JobPlan): number {
  return a.stageIndex - b.stageIndex;
}
