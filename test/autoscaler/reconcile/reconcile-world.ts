import type { ReconcilePorts } from '../../../autoscaler/reconcile/reconcile.lambda.ts';
import { reconcile } from '../../../autoscaler/reconcile/reconcile.lambda.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { noteOfRunner } from '../../../autoscaler/runner-store/runner-mark.ts';
import type { FleetRequest } from '../../../autoscaler/runner-types/ec2/fleet.ts';
import type { LaunchRequest } from '../../../autoscaler/runner-types/ec2/launch-request.ts';
import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import { launchGroupOf, testStart } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../../support/in-memory-instances.ts';
import { inMemoryOutageMark } from '../../support/in-memory-outage-mark.ts';
import { inMemoryReconcileStore } from '../../support/in-memory-reconcile-store.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

/**
 * The reconciler over tables, an EC2, a GitLab and a bus in memory. Its clock begins a day after everything that the
 * builders date.
 */
export function reconcileWorld(items: readonly RunnerItem[] = [], changes: Partial<ReconcilePorts> = {}) {
  const clock = { milliseconds: testStart + 24 * 60 * 60_000 };
  const now = () => clock.milliseconds;
  const store = inMemoryRunnersStore(...items);
  const memory = inMemoryReconcileStore(store);
  const gitlab = inMemoryGitLab();
  const instances = inMemoryInstances({}, now);
  const told: { readonly type: string; readonly detail: unknown }[] = [];
  const requested: LaunchRequest[] = [];
  const context = lambdaContext();
  const ports: ReconcilePorts = {
    deployment: 'ci',
    store,
    memory,
    outages: inMemoryOutageMark(),
    instances,
    gitlab,
    bus: {
      async tell(type, detail) {
        told.push({ type, detail });
      },
    },
    launches: {
      async send(request) {
        requested.push(request);
      },
    },
    // Every job is ours, unless a test says otherwise.
    mappings: { read: async () => ({ mappings: [] }) },
    offer: { profiles: {}, defaultRunner: { type: 'EC2', profile: 'default' } },
    maxAttempts: 3,
    projects: [],
    now,
    ...changes,
  };
  return {
    clock,
    store,
    memory,
    gitlab,
    instances,
    told,
    requested,
    context,
    ports,
    /** So many passes, a minute apart. */
    async pass(times = 1) {
      const outcomes = [];
      for (let time = 0; time < times; time += 1) {
        outcomes.push(await reconcile({}, ports, context));
        clock.milliseconds += 60_000;
      }
      return outcomes;
    },
    /** An instance of this deployment that no item knows, launched long ago. */
    strayInstance(instanceId: string, tags: Record<string, string> = {}) {
      const request: FleetRequest = { source: launchGroupOf().source, lifecycle: 'spot', count: 1, tags };
      instances.running.set(instanceId, request);
      instances.launchedAt.set(instanceId, '2030-01-01T00:00:00.000Z');
    },
    /** A GitLab runner; ours unless it has another note. */
    async strayRunner(job: JobKey, maintenanceNote = noteOfRunner({ deployment: 'ci', job, attempt: 1 })) {
      const description = `ci ec2 for ${job}`;
      const runner = { projectId: 7, description, maintenanceNote, tags: [], maximumTimeoutSeconds: 3_600 };
      const { runnerId } = await gitlab.createRunner(runner);
      return runnerId;
    },
  };
}
