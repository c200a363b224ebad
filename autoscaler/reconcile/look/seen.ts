import type { ListedRunner } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { ListedInstance } from '../../runner-types/ec2/instance-list.ts';
import type { ReconcilerMemory } from './memory.ts';

/** A ticket that nobody has claimed, without its token. */
export type SeenTicket = { readonly id: string; readonly job: JobKey; readonly expiresAt: number };

/** What GitLab says about a job. Its status is `gone` when it does not exist, or this token may not see it. */
export type SeenJob = {
  readonly status: string;
  readonly runnerId: number | null;
  /** Its event, as the hook would have told it; null where only the status was asked for. */
  readonly event: JobEvent | null;
};

/**
 * What one pass saw. Null is what could not be read, and a job that is missing was not asked about: nothing is ever
 * concluded from what was not seen.
 */
export type Seen = {
  /** Items of runners that live and of jobs that are not over; may be a moment old. */
  readonly live: readonly RunnerItem[] | null;
  readonly instances: readonly ListedInstance[] | null;
  /**
   * Runners in GitLab whose description is of the kind that we give, but for those whose maintenance note says that
   * they are not ours.
   */
  readonly runners: readonly ListedRunner[] | null;
  readonly tickets: readonly SeenTicket[] | null;
  readonly jobs: ReadonlyMap<JobKey, SeenJob>;
  /** Pending jobs that our table does not know, and that the mappings leave to other runners. */
  readonly leftToOthers: ReadonlySet<JobKey>;
  /**
   * Whether GitLab did not answer in this pass, or took no call of ours. A pass that merely had no time to ask
   * everything does not say so.
   */
  readonly isGitLabAway: boolean;
  /** Projects whose pending jobs were all read. */
  readonly listedProjects: ReadonlySet<number>;
  /** Places taken under the counters of the live items' caps. */
  readonly places: ReadonlyMap<string, number> | null;
  readonly memory: ReconcilerMemory;
  readonly maxAttempts: number;
  /** Factor of every wait, see `reconciler.patience` of the configuration. */
  readonly patience: number;
};
