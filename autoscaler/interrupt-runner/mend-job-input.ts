import * as z from 'zod/mini';
import { jobEventSchema } from '../../infrastructure/lib/job-event.ts';
import { jobKeySchema } from '../stop-runner/stop-runner-input.ts';

/** Of an item, what mending the job that its runner took needs. */
const servedSchema = z.object({ takenJob: jobKeySchema, profile: z.string(), interruptedAt: z.optional(z.string()) });
export type Served = z.infer<typeof servedSchema>;

/** The runner made for `job` at that attempt was interrupted. */
export const interruptedRunnerSchema = z.object({
  kind: z.literal('interrupted-runner'),
  job: jobKeySchema,
  attempt: z.int(),
  /** Nothing runs on its instance any more: nobody will report the end of its job. */
  hostGone: z.boolean(),
  /** As it was before its runner was ended, if that had taken a job: with its next attempt the item forgets. */
  served: z.optional(servedSchema),
});
export type InterruptedRunner = z.infer<typeof interruptedRunnerSchema>;

/** Either an interruption, whose job may be over; or the end of a job, whose runner may have been interrupted. */
export const mendJobInput = z.union([interruptedRunnerSchema, jobEventSchema]);
export type MendJobInput = z.infer<typeof mendJobInput>;
