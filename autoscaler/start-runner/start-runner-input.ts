import * as z from 'zod/mini';
import { exactSchema } from '../../infrastructure/kit/exactness.ts';
import { jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import { runnerTypes } from '../job-mappings/job-mapping.ts';
import { functionCutOff, functionFailed, functionNotStarted } from '../runner-store/runner-errors.ts';
import {
  failedInvocationSchema,
  type InvocationEnd,
  readInvocationEnd,
} from '../runner-types/lambda/failed-invocation.ts';

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
  isProtected: z.optional(z.boolean()),
  accessLevel: z.optional(z.literal('ref_protected')),
  gated: z.optional(z.literal(true)),
  awaited: z.optional(z.literal(true)),
  exact: z.optional(exactSchema),
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

const errorOfEnd = {
  failed: functionFailed,
  'not-started': functionNotStarted,
  'cut-off': functionCutOff,
} as const satisfies Record<InvocationEnd['kind'], string>;

/** Names a job's attempt, and what went wrong with it. `attempt` is null when this execution admitted nothing. */
const failedAttemptSchema = z.object({
  projectId: z.int(),
  jobId: z.int(),
  attempt: z.nullable(z.int()),
  /** The event that asked for the runner, where it is known. */
  event: z.nullable(jobEventSchema),
  error: z.string(),
  cause: z.string(),
});
type FailedAttempt = z.infer<typeof failedAttemptSchema>;

/** A failed attempt as our workflows tell it, or as Lambda tells of a function: either becomes the former. */
export const abandonRunnerInput = z.union([
  failedAttemptSchema,
  z.pipe(
    failedInvocationSchema,
    z.transform((told): FailedAttempt => {
      const { kind, cause } = readInvocationEnd(told);
      const { job, attempt } = told.requestPayload;
      return { ...job, attempt, event: null, error: errorOfEnd[kind], cause };
    }),
  ),
]);
