import * as z from 'zod/mini';
import type { RunnerItem } from '../runner-store/runner-item.ts';

/**
 * `DetailType` on the bus: a runner is to end although no event of a job says so; `detail` is an {@link
 * UnwantedRunner}.
 */
export const runnerUnwantedType = 'Runner Unwanted';

/** Names the runner by the job and attempt that it was made for. Nothing happens to any other attempt. */
export const unwantedRunnerSchema = z.object({
  kind: z.literal('runner-unwanted'),
  projectId: z.int(),
  jobId: z.int(),
  attempt: z.int(),
  reason: z.string(),
  /** Its host cannot live any more, or must not: it ends even when GitLab says that a job runs on it. */
  force: z.boolean(),
});
export type UnwantedRunner = z.infer<typeof unwantedRunnerSchema>;

/** The runner of an item as one that is to end. `force`: even when a job runs on it. */
export function unwantedRunnerOf({ event, attempt }: RunnerItem, reason: string, force = false): UnwantedRunner {
  const { projectId, jobId } = event;
  return { kind: 'runner-unwanted', projectId, jobId, attempt, reason, force };
}
