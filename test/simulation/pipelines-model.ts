import { isOver, type SimulatedJob } from './simulated-job.ts';
import type { VirtualTime } from './virtual-time.ts';

/** GitLab moves a pipeline on within so many milliseconds, a moment more for some jobs than for others. */
const stepMilliseconds = 500;
/** States in which a job has its resource group for itself. */
const usesResource = ['pending', 'running', 'canceling'];

/**
 * When jobs become pending: after the jobs of the former stages or those that they need, when a person plays them or
 * their time has come, and when nobody else uses their resource group. So a job may become pending long after others
 * with higher ids.
 */
export function createPipelinesModel({
  time,
  jobs,
  change,
  makePending,
}: {
  readonly time: VirtualTime;
  readonly jobs: ReadonlyMap<number, SimulatedJob>;
  readonly change: (job: SimulatedJob, status: 'manual' | 'scheduled' | 'waiting_for_resource') => void;
  readonly makePending: (job: SimulatedJob) => void;
}) {
  const soon = ({ id }: SimulatedJob, work: () => void) => time.after(stepMilliseconds * (1 + (id % 4)), work);

  function isBeforeOver({ plan }: SimulatedJob): boolean {
    const before = [...jobs.values()].filter((one) => plan.after?.includes(one.plan.index) && !one.retriedAs);
    return before.every(isOver);
  }

  /** Of two that wait for the same resource, the lower id comes first. */
  function queueUp(job: SimulatedJob): void {
    const sharing = [...jobs.values()].filter((one) => sharesResource(one, job));
    const isBusy = sharing.some(({ status }) => usesResource.includes(status));
    if (!isBusy) makePending(job);
    else if (job.status !== 'waiting_for_resource') change(job, 'waiting_for_resource');
  }

  /** Nothing before it keeps the job any more. */
  function begin(job: SimulatedJob): void {
    if (job.status !== 'created' || !isBeforeOver(job)) return;
    const { held } = job.plan;
    if (held) {
      change(job, held.as);
      time.after(held.seconds * 1_000, () => {
        if (job.status === held.as) queueUp(job);
      });
    } else queueUp(job);
  }

  return {
    begin,
    /** What follows a job that is over. */
    goOn(over: SimulatedJob): void {
      for (const job of jobs.values()) if (job.plan.after?.includes(over.plan.index)) soon(over, () => begin(job));
      const next = [...jobs.values()].find((job) => job.status === 'waiting_for_resource' && sharesResource(job, over));
      if (next)
        soon(over, () => {
          if (next.status === 'waiting_for_resource') queueUp(next);
        });
    },
  };
}

function sharesResource(one: SimulatedJob, other: SimulatedJob): boolean {
  const { projectId, resourceGroup } = other.plan;
  return (
    one !== other &&
    resourceGroup !== undefined &&
    one.plan.resourceGroup === resourceGroup &&
    one.plan.projectId === projectId
  );
}
