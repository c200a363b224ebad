import { runningOf } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { type JobKey, jobKeyOf, parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import type { Log } from '../../../infrastructure/kit/lambda/log.ts';
import { runnerFailedType } from '../../events/runner-failed.ts';
import { runnerUnwantedType } from '../../events/runner-unwanted.ts';
import { jobOfNote } from '../../runner-store/runner-mark.ts';
import { unbinding } from '../../runner-store/unbind-untrue.ts';
import { launchGroupTag } from '../../runner-types/ec2/instance-tags.ts';
import type { Repair } from '../decide/repair.ts';
import { ownsInstance, ownsRunner, ownsTicket } from '../decide/repair-runners.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';

export type CarryOutPorts = Pick<ReconcilePorts, 'deployment' | 'store' | 'instances' | 'gitlab' | 'bus' | 'launches'>;

/** Mends one thing. What removes something looks once more, and does nothing when somebody accounts for it now. */
export async function carryOut({ action, reason }: Repair, ports: CarryOutPorts, log: Log): Promise<void> {
  const { bus, launches, store } = ports;
  switch (action.do) {
    case 'tell-of-job':
      return bus.tell(action.type, action.event);
    case 'request-launch':
      return launches.send(action.request);
    case 'abandon': {
      const { job, attempt, error } = action;
      return bus.tell(runnerFailedType, { ...parseJobKey(job), attempt, event: null, error, cause: reason });
    }
    case 'unbind':
      return store.write(unbinding(action.item, true));
    case 'stop':
      return bus.tell(runnerUnwantedType, action.runner);
    case 'remove-instance':
      return removeInstance(action.instanceId, ports, log);
    case 'remove-runner':
      return removeRunner(action.runnerId, ports, log);
    case 'remove-ticket': {
      if (ownsTicket(await store.read(action.job), action.id)) return log.info('the ticket is wanted after all');
      return store.write({ kind: 'remove-ticket', id: action.id });
    }
  }
}

async function removeInstance(instanceId: string, { store, instances }: CarryOutPorts, log: Log): Promise<void> {
  const [instance] = (await instances.listInstances()).filter((one) => one.instanceId === instanceId);
  if (!instance) return log.info('the instance is gone already');
  const group = instance.tags[launchGroupTag];
  const owner = (await store.readLive()).find((item) => ownsInstance(item, instanceId, group));
  if (owner) return log.info('the instance has its runner after all', { runnerOf: owner.pk });
  await instances.terminate([instanceId]);
}

/** Only the maintenance note proves that a runner is ours: descriptions can be anybody's. */
async function removeRunner(runnerId: number, { deployment, gitlab, store }: CarryOutPorts, log: Log): Promise<void> {
  const note = await gitlab.readRunnerNote(runnerId);
  if (note === null) return log.info('the runner is gone already');
  const job: JobKey | null = jobOfNote(deployment, note);
  if (!job) return log.info('the runner is not ours: its maintenance note says nothing of this deployment');
  if (ownsRunner(await store.read(job), runnerId)) return log.info('the runner has its item after all');
  const paused = await gitlab.pauseRunner(runnerId);
  const running = paused && runningOf(await gitlab.jobsOf(runnerId));
  if (running) return log.warn('the runner is kept for now: a job runs on it', { takenJob: jobKeyOf(running) });
  await gitlab.removeRunner(runnerId);
}
