import * as z from 'zod/mini';
import { jobEventSchema } from '../../infrastructure/lib/job-event.ts';
import { lambdaRunnerPayloadSchema } from '../../infrastructure/lib/runner-ticket.ts';
import { runnerTypes } from '../job-mappings/job-mapping.ts';

/** A {@link RunnerChoice} as it passes through the workflow. */
export const runnerChoiceSchema = z.object({
  type: z.enum(runnerTypes),
  profile: z.string(),
  functionArn: z.nullable(z.string()),
  mapping: z.nullable(z.string()),
  tags: z.array(z.string()),
  timeoutSeconds: z.int(),
  caps: z.array(z.object({ counter: z.string(), limit: z.int() })),
  tenantId: z.optional(z.string()),
});

/** What ChooseRunner decides. */
export const runnerChoicesSchema = z.extend(runnerChoiceSchema, {
  /** Where the job runs once an attempt has failed, if its mapping says so. */
  fallback: z.optional(runnerChoiceSchema),
  /** The job runs already, on the runner of another one: this runner is for that one. */
  standIn: z.optional(z.boolean()),
});

export const admitJobInput = z.object({ event: jobEventSchema, choice: runnerChoicesSchema, execution: z.string() });

export const registerRunnerInput = z.object({ event: jobEventSchema, choice: runnerChoiceSchema, attempt: z.int() });

export const invokeIsolatedRunnerInput = z.object({
  functionArn: z.string(),
  tenantId: z.string(),
  payload: lambdaRunnerPayloadSchema,
});

/** The error of an attempt whose function failed after it was invoked. */
export const functionFailed = 'LambdaRunnerFailed';
/** The same, where Lambda never came to start it: there was no room for it. */
export const functionNotStarted = 'LambdaRunnerNotStarted';
/** The same, where GitLab did not answer the runner: it could ask for no job. */
export const functionCutOff = 'LambdaRunnerCutOff';

/** Names a job's attempt, and what went wrong with it. `attempt` is null when this execution admitted nothing. */
export const abandonRunnerInput = z.object({
  projectId: z.int(),
  jobId: z.int(),
  attempt: z.nullable(z.int()),
  /** The event that asked for the runner, where it is known. */
  event: z.nullable(jobEventSchema),
  error: z.string(),
  cause: z.string(),
});

/** A message on the launch queue. */
export const launchRequestSchema = z.object({
  projectId: z.int(),
  jobId: z.int(),
  attempt: z.int(),
  profile: z.string(),
  /** No spot capacity, whatever the profile says. */
  onDemandOnly: z.optional(z.boolean()),
});
export type LaunchRequest = z.infer<typeof launchRequestSchema>;
