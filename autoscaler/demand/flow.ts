/*
 * How many jobs of each kind can have one of the idle runners: a maximum flow from kinds of jobs to kinds of runners.
 * Kinds are few where jobs are many, and where each job is a kind of its own it is still nearly linear: paths are found
 * for all jobs together, the shortest first. Source: https://en.wikipedia.org/wiki/Dinic%27s_algorithm
 */

/** Positions of the kinds of runners that can run each kind of job. */
type Fits = readonly (readonly number[])[];

/** A flow that can grow: who is served once stays so. */
export type Flow = {
  /** Serves as many more jobs of each kind as there are runners; returns how many of each kind get none. */
  serve(jobs: readonly number[]): number[];
  /** How many runners of each kind nobody uses. */
  readonly free: readonly number[];
  /**
   * Of the given kinds of jobs, one that would be served by one more runner of a kind, maybe by passing others on; null
   * when none would.
   */
  whoLacks(runners: number, unserved: readonly number[]): number | null;
};

export function createFlow(fits: Fits, runners: readonly number[]): Flow {
  const free = [...runners];
  /** By kind of runner: how many of them each kind of job uses. */
  const uses = runners.map(() => new Map<number, number>());
  const used = (by: number, of: number) => uses[of]?.get(by) ?? 0;
  const use = (by: number, of: number, count: number) => {
    const now = used(by, of) + count;
    if (now > 0) uses[of]?.set(by, now);
    else uses[of]?.delete(by);
  };

  /** Gives whoever finds a free runner at once one: nearly everybody, since most runners are of the job's own kind. */
  function serveAtOnce(left: number[]): void {
    left.forEach((wanted, job) => {
      for (const runner of fits[job] ?? []) {
        const count = Math.min(left[job] ?? 0, free[runner] ?? 0);
        if (count === 0) continue;
        use(job, runner, count);
        free[runner] = (free[runner] ?? 0) - count;
        left[job] = (left[job] ?? wanted) - count;
        if (left[job] === 0) return;
      }
    });
  }

  /** How many steps each kind is from a job that has nothing; null when no free runner can be reached. */
  function measure(left: readonly number[]) {
    const jobs = fits.map(() => -1);
    const steps = runners.map(() => -1);
    let reached = false;
    let edge = left.flatMap((wanted, job) => (wanted > 0 ? [job] : []));
    for (const job of edge) jobs[job] = 0;
    for (let step = 1; edge.length > 0 && !reached; step += 1) {
      const next: number[] = [];
      for (const job of edge) {
        for (const runner of fits[job] ?? []) {
          if (steps[runner] !== -1) continue;
          steps[runner] = step;
          if ((free[runner] ?? 0) > 0) reached = true;
          for (const other of uses[runner]?.keys() ?? []) {
            if (jobs[other] !== -1) continue;
            jobs[other] = step;
            next.push(other);
          }
        }
      }
      edge = next;
    }
    return reached ? { jobs, steps } : null;
  }

  /** Passes runners on along shortest paths until there is none left of this length. */
  function passOn(left: number[], { jobs, steps }: NonNullable<ReturnType<typeof measure>>): void {
    const usersOf = uses.map((users) => [...users.keys()]);
    const nextRunner = fits.map(() => 0);
    const nextUser = runners.map(() => 0);
    const at = (list: readonly number[], index: number) => list[index] ?? -1;
    left.forEach((_, first) => {
      let path: (readonly [job: number, runner: number])[] = [];
      let job = first;
      while ((left[first] ?? 0) > 0) {
        const runner = at(fits[job] ?? [], at(nextRunner, job));
        if (runner === -1) {
          const before = path.pop();
          if (!before) return;
          // Whoever uses the runner finds no other: the next of its users may.
          nextUser[before[1]] = at(nextUser, before[1]) + 1;
          job = before[0];
          continue;
        }
        const isNearer = at(steps, runner) === at(jobs, job) + 1;
        if (isNearer && (free[runner] ?? 0) > 0) {
          move(left, [...path, [job, runner]]);
          path = [];
          job = first;
          continue;
        }
        const user = isNearer ? at(usersOf[runner] ?? [], at(nextUser, runner)) : -1;
        if (user === -1) {
          nextRunner[job] = at(nextRunner, job) + 1;
        } else if (at(jobs, user) === at(steps, runner) && used(user, runner) > 0) {
          path.push([job, runner]);
          job = user;
        } else {
          nextUser[runner] = at(nextUser, runner) + 1;
        }
      }
    });
  }

  /** Along a path, each job gets the runners that the next one used, and the last one free runners. */
  function move(left: number[], path: readonly (readonly [job: number, runner: number])[]): void {
    const first = path[0]?.[0] ?? -1;
    const last = path.at(-1)?.[1] ?? -1;
    let count = Math.min(left[first] ?? 0, free[last] ?? 0);
    for (let index = 1; index < path.length; index += 1) {
      count = Math.min(count, used(path[index]?.[0] ?? -1, path[index - 1]?.[1] ?? -1));
    }
    path.forEach(([job, runner], index) => {
      use(job, runner, count);
      const next = path[index + 1];
      if (next) use(next[0], runner, -count);
    });
    left[first] = (left[first] ?? 0) - count;
    free[last] = (free[last] ?? 0) - count;
  }

  return {
    free,
    serve(wanted) {
      const left = [...wanted];
      serveAtOnce(left);
      for (let distance = measure(left); distance; distance = measure(left)) passOn(left, distance);
      return left;
    },
    whoLacks(runnerKind, unserved) {
      const fitting = runners.map((): number[] => []);
      fits.forEach((ones, job) => {
        for (const runner of ones) fitting[runner]?.push(job);
      });
      const seen = new Set([runnerKind]);
      for (const runner of seen) {
        for (const job of fitting[runner] ?? []) {
          if ((unserved[job] ?? 0) > 0) return job;
          for (const other of fits[job] ?? []) if (used(job, other) > 0) seen.add(other);
        }
      }
      return null;
    },
  };
}
