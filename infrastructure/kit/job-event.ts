import * as z from 'zod/mini';

/**
 * The `detail` of an event on the bus: what we keep of GitLab's job hook. Names, e-mail addresses and commit messages
 * stay out. Times are ISO 8601; `runnerId` is GitLab's number of the runner, null while no runner has the job or when
 * that runner was removed.
 * Source: https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events
 */
export const jobEventSchema = z.object({
  jobId: z.int().check(z.positive()),
  projectId: z.int().check(z.positive()),
  jobName: z.string(),
  stage: z.string(),
  /** GitLab's status as sent; one before `pending` when the job may wait all the same. */
  status: z.string(),
  /** Path with namespace (`group/project`); null when GitLab is too old to send it. */
  projectPath: z.nullable(z.string()),
  pipelineId: z.nullable(z.int()),
  ref: z.string(),
  runnerId: z.nullable(z.int()),
  /** When the job became what `status` says, as far as GitLab tells; else when the hook arrived. */
  occurredAt: z.string(),
  /** When the hook arrived here: the start of what we measure as time to pick-up. */
  receivedAt: z.string(),
  failureReason: z.nullable(z.string()),
  /** `webhook-id` or `Idempotency-Key`: the same on a resend. */
  deliveryId: z.nullable(z.string()),
  /**
   * The project or group whose own webhook secret proved the hook: it may concern no other. Absent where the
   * deployment's secret did.
   */
  provedFor: z.exactOptional(z.string()),
});

export type JobEvent = z.infer<typeof jobEventSchema>;
