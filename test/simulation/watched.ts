import type { Ec2Model } from './ec2-model.ts';
import type { GitLabModel } from './gitlab-model.ts';
import type { Host } from './hosts-model.ts';
import type { Settings } from './schedule.ts';
import type { SimulatedJob } from './simulated-job.ts';
import type { TablesModel } from './tables-model.ts';

/** What the invariants of a run look at. */
export type Watched = {
  readonly tables: TablesModel;
  readonly gitlab: GitLabModel;
  readonly ec2: Ec2Model;
  readonly hosts: readonly Host[];
  readonly maxAttempts: number;
  readonly retriedProfiles: readonly string[];
  readonly settings: Pick<Settings, 'mappings' | 'profiles' | 'lambdaLimit' | 'reconciler'>;
  readonly now: () => number;
  /** Whether nothing goes wrong, but that GitLab may take no more runners or pass jobs over. */
  readonly isOrderly: boolean;
  /** Whether nothing goes wrong but that EC2 takes instances back. */
  readonly onlyInterrupted: boolean;
  /** Seconds that a job may wait for its runner: while nothing goes wrong, as long as it takes to boot a few. */
  readonly longestWaitSeconds: number;
  /** Before that, in milliseconds since 1970, trouble is in the way: what it costs does not count. */
  readonly troubleEndsAt: number;
  readonly outagesAreNoted: boolean;
  /** Whether GitLab answers all the time, and Lambda starts every function. */
  readonly gitlabIsThere: boolean;
  /** How many calls of ours GitLab may refuse, or not answer, in all. */
  readonly mostRefusals: (jobs: number) => number;
  /** How many executions of job functions leave enough to the control plane. */
  readonly mostFunctions: number;
  /** Whether the autoscaler is to serve a job at all. */
  readonly isOurs: (job: SimulatedJob) => boolean;
  /** Whether nothing goes wrong but that hooks lie. */
  readonly isCalm: boolean;
  /** Where the mappings let a job run by what GitLab says of it; nowhere when it is left to others. */
  readonly profilesOf: (job: SimulatedJob) => readonly string[];
};
