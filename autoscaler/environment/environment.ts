import * as z from 'zod/mini';
import { exactSchema } from '../../infrastructure/kit/exactness.ts';
import { runnerTypes } from '../job-mappings/job-mapping.ts';

const nonEmpty = z.string().check(z.minLength(1));

/** Parses JSON inside an environment variable. */
function json<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.pipe(
    z.pipe(
      nonEmpty,
      z.transform((text, context) => {
        try {
          return JSON.parse(text) as unknown;
        } catch {
          context.issues.push({ code: 'custom', message: 'is not JSON', input: text });
          return z.NEVER;
        }
      }),
    ),
    schema,
  );
}

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

/** What the launcher knows of an EC2 profile. */
export const launchProfileSchema = z.object({
  launchTemplateId: nonEmpty,
  /** The template's version that the stack deployed. */
  launchTemplateVersion: nonEmpty,
  /** Unique id of its hosts' role. */
  hostRoleId: nonEmpty,
  instanceTypes: z.array(nonEmpty),
  onDemand: z.enum(['never', 'fallback', 'always']),
  maxPriceUsd: z.optional(z.number()),
  /** Instead of the network's. */
  subnetIds: z.optional(z.array(nonEmpty)),
  /** The user's own for what is launched, beside the deployment's. */
  tags: z.optional(z.record(z.string(), z.string())),
});
export type LaunchProfile = z.infer<typeof launchProfileSchema>;

export const defaultRunnerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('IGNORE') }),
  z.object({ type: z.literal('LAMBDA'), profile: nonEmpty }),
  z.object({ type: z.literal('EC2'), profile: nonEmpty }),
]);
export type DefaultRunner = z.infer<typeof defaultRunnerSchema>;

export const gitlabEnvironment = z.object({ GITLAB_URL: z.url(), GITLAB_TOKEN_SECRET_ARN: nonEmpty });

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

/** Secrets with the tokens of long-lived runners, by profile; absent when no profile brings one. */
export const runnerTokensEnvironment = z.object({
  RUNNER_TOKEN_SECRETS: z.optional(json(z.record(z.string(), nonEmpty))),
});

/** Of Lambdas that ask which host has a job, where a profile brings a long-lived runner. */
export const hostsEnvironment = z.object({ HOSTS_SHARE_RUNNERS: z.optional(z.literal('true')) });

export const attemptsEnvironment = z.object({ MAX_ATTEMPTS: z.coerce.number() });

/** Names of the profiles whose jobs are retried when a spot interruption ended them. */
export const retriesEnvironment = z.object({ RETRIED_PROFILES: json(z.array(nonEmpty)) });

/** Names of the profiles whose jobs are retried when they failed on a runner of another one. */
export const misplacedRetriesEnvironment = z.object({ MISPLACED_RETRIED_PROFILES: json(z.array(nonEmpty)) });

export const launchEnvironment = z.object({
  LAUNCH_PROFILES: json(z.record(z.string(), launchProfileSchema)),
  /** The deployment's, of everything that is launched. */
  RESOURCE_TAGS: z._default(json(z.record(z.string(), z.string())), {}),
  SUBNET_IDS: nonEmpty,
  LAUNCH_QUEUE_URL: nonEmpty,
  TAG_QUEUE_URL: nonEmpty,
  EVENT_BUS_ARN: nonEmpty,
});

/** The configuration's `allowedProjects`. */
export const projectsEnvironment = z.object({ PROJECTS: json(z.array(z.string())) });

export const reconcileEnvironment = z.extend(projectsEnvironment, {
  EVENT_BUS_ARN: nonEmpty,
  LAUNCH_QUEUE_URL: nonEmpty,
  /** The configuration's `reconciler.patience`. */
  PATIENCE: z.coerce.number(),
  /** There are LAMBDA profiles. */
  HAS_FUNCTIONS: z.optional(z.literal('true')),
});
