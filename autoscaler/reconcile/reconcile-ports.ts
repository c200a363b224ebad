import type {
  GitLabJob,
  ListedJob,
  ListedProject,
  ListedRunner,
  ProjectsPage,
  RunnerJob,
} from '../../infrastructure/gitlab/gitlab-listings.ts';
import type { Offer } from '../demand/choose-runner.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { JobMapping } from '../job-mappings/job-mapping.ts';
import type { ProjectsStore } from '../runner-store/known-projects.ts';
import type { OutageMark } from '../runner-store/outage-mark.ts';
import type { RunnersStore } from '../runner-store/runners-store.ts';
import type { Instances } from '../runner-types/ec2/fleet.ts';
import type { InstanceList } from '../runner-types/ec2/instance-list.ts';
import type { LaunchRequests } from '../runner-types/ec2/launch-requests.ts';
import type { LambdaLimitPorts } from './look/look-at-lambda-limit.ts';
import type { ReconcileStore } from './look/reconcile-store.ts';

/** The part of GitLab that the reconciler needs; `gitlab.client.ts` says what each does. */
export type ReconcileGitLab = {
  readJob(projectId: number, jobId: number): Promise<GitLabJob | null>;
  pendingJobs(projectId: number): Promise<readonly ListedJob[]>;
  begunJobs(projectId: number, mostPages: number): Promise<readonly GitLabJob[]>;
  ownRunners(descriptionStart: string): Promise<readonly ListedRunner[]>;
  readRunnerNote(runnerId: number): Promise<string | null>;
  pauseRunner(runnerId: number): Promise<boolean>;
  jobsOf(runnerId: number): Promise<readonly RunnerJob[]>;
  removeRunner(runnerId: number): Promise<boolean>;
  findProject(path: string): Promise<ListedProject | null>;
  projectsOfGroup(path: string, page: number): Promise<ProjectsPage>;
};

export type ReconcilePorts = {
  readonly deployment: string;
  readonly store: RunnersStore;
  readonly memory: ReconcileStore & ProjectsStore;
  readonly outages: Pick<OutageMark, 'note'>;
  /** Where there are LAMBDA profiles. */
  readonly lambdaLimit?: LambdaLimitPorts;
  readonly instances: InstanceList & Pick<Instances, 'terminate'>;
  readonly gitlab: ReconcileGitLab;
  readonly bus: EventBus;
  readonly launches: LaunchRequests;
  /** `job-mappings.client.ts` says what it does. */
  readonly mappings: { read(): Promise<{ readonly mappings: readonly JobMapping[] }> };
  readonly offer: Pick<Offer, 'defaultRunner' | 'profiles'>;
  readonly maxAttempts: number;
  /** The configuration's `reconciler.patience`; 1 when absent. */
  readonly patience?: number;
  /** The configuration's `allowedProjects`: of these, exact paths and `group/**` name projects to look after. */
  readonly projects: readonly string[];
  readonly now: () => number;
};
