import * as z from 'zod/mini';
import type { JobKey } from './job-key.ts';

/**
 * A runner's token, handed over once: the host claims the item with `DeleteItem` returning the old item, so a second
 * reader gets nothing. `id` is the job's key until a host exists, and then what IAM lets this host take, and no other
 * (`ticket-place.ts`).
 */
export type RunnerTicket = {
  readonly id: string;
  /** GitLab runner authentication token (`glrt-...`); empty in one that says `held`. */
  readonly token: string;
  readonly job: JobKey;
  /**
   * `manager`: the token is a long-lived runner's, and the host removes only itself, as one of its managers. `held`:
   * there is no token yet; it is not the host's turn, which then waits longer for its ticket.
   */
  readonly mode?: 'manager' | 'held';
  /** Time to live, seconds since 1970 (DynamoDB TTL). */
  readonly expiresAt: number;
};

/** What a host finds in the place of its ticket as long as it is not its turn. */
export function heldTicket(id: string, job: JobKey, expiresAt: number): RunnerTicket {
  return { id, token: '', job, mode: 'held', expiresAt };
}

/** A ticket that nobody has claimed by then is worthless: its host never came. */
export const ticketLifeSeconds = 30 * 60;

/**
 * What a function does with a job that says `image:` and has such a name (a glob): null lets it go on, else it is
 * refused, for that reason.
 */
const imageRuleSchema = z.object({ name: z.string(), refusal: z.nullable(z.string()) });
export type ImageRule = z.infer<typeof imageRuleSchema>;

/**
 * What the autoscaler passes to a Lambda runner. It holds no token: the function claims it with `ticketId`.
 * `timeoutSeconds` is the runner's `maximum_timeout` in GitLab.
 */
export const lambdaRunnerPayloadSchema = z.object({
  kind: z.literal('run-job'),
  ticketId: z.string().check(z.minLength(1)),
  ticketsTable: z.string().check(z.minLength(1)),
  gitlabUrl: z.url(),
  runnerName: z.string(),
  runnerId: z.int(),
  job: z.object({ projectId: z.int(), jobId: z.int(), jobName: z.string(), projectPath: z.nullable(z.string()) }),
  attempt: z.int(),
  timeoutSeconds: z.int(),
  /** For other jobs than its own, which are mapped to no function: the first that fits decides. */
  images: z.optional(z.object({ rules: z.optional(z.array(imageRuleSchema)) })),
});

export type LambdaRunnerPayload = z.infer<typeof lambdaRunnerPayloadSchema>;
