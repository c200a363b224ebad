import * as z from 'zod/mini';
import { exactSchema } from '../../infrastructure/kit/exactness.ts';
import { runnerTypes } from '../job-mappings/job-mapping.ts';
import { json } from './json-variable.ts';

const nonEmpty = z.string().check(z.minLength(1));

/** What a Lambda at run time knows of a profile; `functionArn` and the launch settings by type. */
export const runtimeProfileSchema = z.object({
  type: z.enum(runnerTypes),
  timeoutMinutes: z.int(),
  maxConcurrent: z.optional(z.int()),
  /** Jobs with all of these are the profile's, unless a row matches. */
  tags: z.optional(z.readonly(z.array(z.string()))),
  /** Its runners get jobs of protected branches and tags only. */
  accessLevel: z.optional(z.literal('ref_protected')),
  /** Its hosts work for a runner that a user brought. */
  longLived: z.optional(z.boolean()),
  functionArn: z.optional(z.string()),
  /** LAMBDA: execution environments are never shared between projects. */
  isolateProjects: z.optional(z.boolean()),
});
export type RuntimeProfile = z.infer<typeof runtimeProfileSchema>;

export const defaultRunnerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('IGNORE') }),
  z.object({ type: z.literal('LAMBDA'), profile: nonEmpty }),
  z.object({ type: z.literal('EC2'), profile: nonEmpty }),
]);
export type DefaultRunner = z.infer<typeof defaultRunnerSchema>;

export const eventBusEnvironment = z.object({ EVENT_BUS_ARN: nonEmpty });

/** Enough to tell which jobs are ours, and whose. */
export const mappingsEnvironment = z.object({
  MAPPINGS_TABLE: nonEmpty,
  DEFAULT_RUNNER: json(defaultRunnerSchema),
  PROFILES: json(z.record(z.string(), runtimeProfileSchema)),
});

export const routingEnvironment = z.extend(mappingsEnvironment, {
  MAX_CONCURRENT: z.optional(z.coerce.number()),
  /** The configuration's `exact`; absent where that is the usual one. */
  EXACT: z.optional(json(exactSchema)),
});

export const attemptsEnvironment = z.object({ MAX_ATTEMPTS: z.coerce.number() });

/** Names of the profiles whose jobs are retried when a spot interruption ended them. */
export const retriesEnvironment = z.object({ RETRIED_PROFILES: json(z.array(nonEmpty)) });

/** The configuration's `allowedProjects`. */
export const projectsEnvironment = z.object({ PROJECTS: json(z.array(z.string())) });
