import * as z from 'zod/mini';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { jobKeySchema } from './stop-runner-input.ts';

/** The runner made for `job` at that attempt was interrupted, or had a job of another profile, which failed. */
export const mendJobInput = z.object({
  job: jobKeySchema,
  attempt: z.int(),
  /** Nothing runs on its instance any more: nobody will report the end of its job. */
  hostGone: z.boolean(),
  /** As its item was before it was ended, if it had taken a job: with its next attempt the item forgets. */
  served: z.optional(
    z.object({
      takenJob: jobKeySchema,
      profile: z.string(),
      interruptedAt: z.optional(z.string()),
      runnerId: z.optional(z.int()),
    }),
  ),
  /** The profile that the job's mapping names, where it failed on a runner of another one. */
  misplacedFrom: z.optional(z.string()),
});
export type InterruptedRunner = z.infer<typeof mendJobInput>;

/**
 * What MendJob takes, of an item as it is now. `takenJob`: what its runner had, where that is known before the item
 * knows it.
 */
export function interruptedRunnerOf(
  { pk: job, attempt, profile, interruptedAt, runnerId, ...item }: RunnerItem,
  { hostGone, takenJob = item.takenJob }: { readonly hostGone: boolean; readonly takenJob?: JobKey | undefined },
): InterruptedRunner {
  const served = takenJob === undefined ? {} : { served: { takenJob, profile, interruptedAt, runnerId } };
  return { job, attempt, hostGone, ...served };
}
