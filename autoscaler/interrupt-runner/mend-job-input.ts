import * as z from 'zod/mini';
import { jobEventSchema } from '../../infrastructure/lib/job-event.ts';
import { jobKeySchema } from '../stop-runner/stop-runner-input.ts';

/** The runner made for `job` at that attempt was interrupted. */
export const interruptedRunnerSchema = z.object({
  kind: z.literal('interrupted-runner'),
  job: jobKeySchema,
  attempt: z.int(),
  /** Nothing runs on its instance any more: nobody will report the end of its job. */
  hostGone: z.boolean(),
});
export type InterruptedRunner = z.infer<typeof interruptedRunnerSchema>;

/** Either an interruption, whose job may be over; or the end of a job, whose runner may have been interrupted. */
export const mendJobInput = z.union([interruptedRunnerSchema, jobEventSchema]);
export type MendJobInput = z.infer<typeof mendJobInput>;
