import * as z from 'zod/mini';

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
