import type { GitLab } from '../../infrastructure/lib/gitlab.client.ts';
import type { LambdaContext } from '../../infrastructure/lib/lambda-handler.client.ts';
import type { RunnersStore } from '../runners/runners-store.ts';
import type { Instances } from '../start-runner/ec2/fleet.ts';
import type { InstanceList } from '../start-runner/ec2/instance-list.ts';
import type { ProjectsStore, ReconcileStore } from './reconcile-store.ts';

/** The deployment's bus. `type` is the event's `DetailType`. */
export type EventBus = { tell(type: string, detail: unknown): Promise<void> };

export type ReconcilePorts = {
  readonly deployment: string;
  readonly store: RunnersStore;
  readonly memory: ReconcileStore & ProjectsStore;
  readonly instances: InstanceList & Pick<Instances, 'terminate'>;
  readonly gitlab: Pick<
    GitLab,
    | 'readJob'
    | 'pendingJobs'
    | 'ownRunners'
    | 'readRunnerNote'
    | 'pauseRunner'
    | 'runningJobsOf'
    | 'removeRunner'
    | 'findProject'
    | 'projectsOfGroup'
  >;
  readonly bus: EventBus;
  readonly maxAttempts: number;
  /** The configuration's `allowedProjects`: of these, exact paths and `group/**` name projects to look after. */
  readonly projects: readonly string[];
  readonly now: () => number;
};

/** What one pass did. */
export type ReconcileOutcome = { readonly repaired: number; readonly failed: number };

/** One pass: looks at what is there, decides what is wrong, and mends each thing on its own. */
export async function reconcile(
  _input: unknown,
  _ports: ReconcilePorts,
  _context: LambdaContext,
): Promise<ReconcileOutcome> {
  return { repaired: 0, failed: 0 };
}
