import { z } from 'zod';
import { runnerTypes } from './runner.ts';

/** Parameters come as JSON or as a form: numbers and booleans may be words. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]);
const whole = z.union([z.number().int(), z.string().regex(/^\d+$/).transform(Number)]);
const tagList = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(','))])
  .transform((tags) => [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))]);

const editable = {
  description: z.string().optional(),
  paused: flag.optional(),
  locked: flag.optional(),
  run_untagged: flag.optional(),
  tag_list: tagList.optional(),
  access_level: z.enum(['not_protected', 'ref_protected']).optional(),
  maximum_timeout: whole.optional(),
  maintenance_note: z.string().optional(),
};

/** `POST /user/runners` */
export const newRunnerInput = z.object({
  ...editable,
  runner_type: z.enum(runnerTypes),
  group_id: whole.optional(),
  project_id: whole.optional(),
  token_expires_at: z.iso.datetime({ offset: true }).optional(),
});
export type NewRunnerInput = z.infer<typeof newRunnerInput>;

/** `PUT /runners/:id` */
export const runnerChangeInput = z.object({ ...editable, active: flag.optional() });
export type RunnerChangeInput = z.infer<typeof runnerChangeInput>;

const shortestTimeoutSeconds = 600;
const mostTags = 50;
const longestNote = 1024;

/** The values that GitLab's model checks, whichever way they come. */
export interface CheckedRunner {
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  readonly maximumTimeoutSeconds: number | null;
  readonly maintenanceNote: string | null;
}

/** What GitLab refuses, by attribute and in its words. */
export function findRunnerFaults(runner: CheckedRunner): Readonly<Record<string, readonly string[]>> {
  const faults: Record<string, string[]> = {};
  if (runner.maximumTimeoutSeconds !== null && runner.maximumTimeoutSeconds < shortestTimeoutSeconds) {
    faults.maximum_timeout = ['needs to be at least 10 minutes'];
  }
  if (runner.tags.length > mostTags) {
    faults.tags_list = [`Too many tags specified. Please limit the number of tags to ${mostTags}`];
  } else if (runner.tags.length === 0 && !runner.runUntagged) {
    faults.tags_list = ['can not be empty when runner is not allowed to pick untagged jobs'];
  }
  if ((runner.maintenanceNote?.length ?? 0) > longestNote) {
    faults.maintenance_note = [`is too long (maximum is ${longestNote} characters)`];
  }
  return faults;
}
