import * as z from 'zod/mini';
import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import { runnerTypes } from '../job-mappings/job-mapping.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { profilesManagerOf } from '../runner-store/runner-manager.ts';

/** A JobKey as text. */
export const jobKeySchema = z.pipe(
  z.string().check(z.refine((text) => parseJobKey(text) !== null, 'must be job#<project id>#<job id>')),
  z.transform((text) => text as JobKey),
);

/** A runner that is to end, as it passes through the workflow: enough to find it everywhere, and no secret. */
export const runnerToStopSchema = z.object({
  job: jobKeySchema,
  attempt: z.int(),
  type: z.enum(runnerTypes),
  runnerId: z.nullable(z.int()),
  instanceId: z.nullable(z.string()),
  /**
   * For a host that is one manager of a long-lived runner, which stays: what names the manager, and whose token removes
   * it.
   */
  manager: z.optional(z.nullable(z.object({ profile: z.string(), systemId: z.string() }))),
  reason: z.string(),
  /** It ends even when GitLab says that a job runs on it: its host cannot live any more, or must not. */
  force: z.optional(z.boolean()),
  /** GitLab has said that the one job that this runner takes is over: it need not be paused first. */
  hadItsJob: z.optional(z.boolean()),
  /** Why this attempt counts as failed, unless the runner took a job. */
  failure: z.optional(z.string()),
});

export type RunnerToStop = z.infer<typeof runnerToStopSchema>;

/** A runner's item as the runner to stop, and why it stops. */
export function runnerToStopOf(
  item: RunnerItem,
  why: Pick<RunnerToStop, 'reason' | 'force' | 'failure' | 'hadItsJob'>,
): RunnerToStop {
  const { pk: job, attempt, type, runnerId = null, instanceId = null } = item;
  return { job, attempt, type, runnerId, instanceId, manager: profilesManagerOf(item), ...why };
}
