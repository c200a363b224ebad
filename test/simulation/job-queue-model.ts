import type { Faults } from './faults.ts';
import { canRun, type SimulatedJob, type SimulatedRunner } from './simulated-job.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How long GitLab.com holds a request for a job that has nothing new to hear. */
const longPollMilliseconds = 50_000;

export type JobQueueOptions = {
  readonly time: VirtualTime;
  readonly faults: Faults;
  /** Whether requests that have nothing new to hear are held, or answered at once. */
  readonly longPolls: boolean;
  readonly jobs: ReadonlyMap<number, SimulatedJob>;
  readonly runners: ReadonlyMap<number, SimulatedRunner>;
  /** A candidate is not given to the runner that asks: it is `locked`, or `dropped` by GitLab's checks. */
  readonly onPassedOver: (job: SimulatedJob, how: 'locked' | 'dropped') => void;
};

/**
 * Which job a runner gets, as `Ci::RegisterJobService` decides it: of the pending ones that fit, the one with the
 * lowest id. What cannot be assigned is passed over for the next one within the same request. What a runner was last
 * told of its queue is true until a job that fits becomes pending, or the runner itself is changed: until then it is
 * told that there is nothing, at once or after a long poll.
 */
export function createJobQueueModel({ time, faults, longPolls, jobs, runners, onPassedOver }: JobQueueOptions) {
  const views = new Map<number, { value: number; readonly waiting: Set<() => void> }>();

  function viewOf(runnerId: number) {
    const view = views.get(runnerId) ?? { value: 1, waiting: new Set() };
    views.set(runnerId, view);
    return view;
  }

  function refresh(runnerId: number): void {
    const view = viewOf(runnerId);
    view.value += 1;
    for (const wake of [...view.waiting]) wake();
  }

  function waitForNews(runnerId: number): Promise<void> {
    const { waiting } = viewOf(runnerId);
    return new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      time.after(longPollMilliseconds, wake);
    });
  }

  return {
    /** What a runner is told of its queue (`X-GitLab-Last-Update`), and brings with its next request. */
    value: (runnerId: number): number => viewOf(runnerId).value,
    /** Something about the runner changed. */
    refresh,
    noticePending(job: SimulatedJob): void {
      for (const runner of runners.values()) if (canRun(runner, job)) refresh(runner.id);
    },
    /**
     * Resolves at once when there is news for a runner that was told `seen`: then it may get a job. Otherwise it gets
     * none.
     */
    async hasNews(runnerId: number, seen: number | null): Promise<boolean> {
      if (seen !== viewOf(runnerId).value) return true;
      // Workhorse answers 204 also when there is news meanwhile: the runner asks again, and then gets the job.
      if (longPolls) await waitForNews(runnerId);
      return false;
    },
    /** `conflict`: there was a job, and it could not be given to the runner. */
    choose(runner: SimulatedRunner): SimulatedJob | 'nothing' | 'conflict' {
      if (runner.paused) return 'nothing';
      const fitting = [...jobs.values()].filter((job) => job.status === 'pending' && canRun(runner, job));
      for (const job of fitting.sort((a, b) => a.id - b.id)) {
        const fault = faults.strikeNth('candidate-passed-over');
        if (!fault) return job;
        onPassedOver(job, fault.how);
      }
      return fitting.length > 0 ? 'conflict' : 'nothing';
    },
  };
}
