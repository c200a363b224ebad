import type { Faults } from './faults.ts';

export type ExecutionsModel = ReturnType<typeof createExecutionsModel>;

/**
 * Executions of functions, of which the account may have so many at the same time: jobs and control plane share them.
 */
export function createExecutionsModel({
  most = Number.POSITIVE_INFINITY,
  faults,
  onStarved,
}: {
  readonly most: number | undefined;
  readonly faults: Faults;
  /** Told when the control plane gets none, and how many of all those that there are run jobs. */
  readonly onStarved: (jobs: number) => void;
}) {
  const running = { jobs: 0, ours: 0 };
  const isFull = () => running.jobs + running.ours >= most;
  const begin = (whose: keyof typeof running) => {
    running[whose] += 1;
    let ended = false;
    return () => {
      if (!ended) running[whose] -= 1;
      ended = true;
    };
  };
  return {
    /** An execution of a function of the control plane; its end, or null when it is throttled. */
    beginOurs(): (() => void) | null {
      if (faults.isOn('lambda-throttled')) return null;
      if (!isFull()) return begin('ours');
      faults.count('concurrency-used-up');
      onStarved(running.jobs);
      return null;
    },
    /** The same, of a function that runs a job. */
    beginJob: () =>
      isFull() || faults.isOn('lambda-throttled') || faults.isOn('functions-throttled') ? null : begin('jobs'),
  };
}
