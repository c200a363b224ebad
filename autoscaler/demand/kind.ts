import type { RunnerItem } from '../runner-store/runner-item.ts';

/**
 * What makes jobs alike, to GitLab and to us, and the runners made for them too: the project, the tags, the profile,
 * and whether it is for protected branches and tags alone (a deployment may change that of a profile). A host of a
 * long-lived runner is of one kind with all other hosts of that runner, whatever it was made for.
 */
export type Kind = Pick<RunnerItem, 'profile' | 'tags' | 'managerOf' | 'accessLevel'> & {
  readonly projectId: number;
  /** The same for two items exactly when they are of one kind. */
  readonly key: string;
};

/** The kind of an item's runner, and of its job, as far as our own mapping of it goes. */
export function kindOf({ event, tags, profile, managerOf, accessLevel }: RunnerItem): Kind {
  const { projectId } = event;
  const sorted = [...tags].sort();
  const key = JSON.stringify([projectId, managerOf ?? null, profile, accessLevel ?? null, ...sorted]);
  return { projectId, tags: sorted, profile, accessLevel, ...(managerOf === undefined ? {} : { managerOf }), key };
}

/** Whether two items are of one kind: runners swapped among their jobs change nothing. */
export function isAlike(one: RunnerItem, other: RunnerItem): boolean {
  return kindOf(one).key === kindOf(other).key;
}

/**
 * Finds the kinds of runners that can run a kind of job as its mapping wants it. A runner made for a job belongs to its
 * project and has exactly its tags, and one for protected refs alone gets no other job. A host of a long-lived runner
 * can run what was found to fit that runner when it was asked for, which is all that we know of other jobs.
 *
 * @returns for a kind of job, the positions of the runners' kinds, its own kind first.
 */
export function indexRunnerKinds(runners: readonly Kind[]): (job: Kind) => readonly number[] {
  const byShelf = new Map<string, number[]>();
  const tagsOf = runners.map(({ tags }) => new Set(tags));
  runners.forEach((runner, index) => {
    for (const shelf of shelvesOf(runner)) {
      const there = byShelf.get(shelf);
      if (there) there.push(index);
      else byShelf.set(shelf, [index]);
    }
  });
  const on = (shelf: string) => byShelf.get(shelf) ?? [];
  return (job) => {
    const hosts = job.managerOf === undefined ? [] : on(`runner ${job.managerOf}`);
    const shelves = job.tags.length === 0 ? [on(shelfOf(job, null))] : job.tags.map((tag) => on(shelfOf(job, tag)));
    // Most kinds have a tag that few others have.
    const shortest = shelves.reduce((a, b) => (b.length < a.length ? b : a));
    const fitting = shortest.filter(
      (index) => isAllowed(runners[index], job) && job.tags.every((tag) => tagsOf[index]?.has(tag)),
    );
    return [...hosts, ...fitting].sort((a, b) => rank(runners[a], job) - rank(runners[b], job));
  };
}

/** Whether protection lets the runner have the job; a job of which nobody has asked counts as not protected. */
function isAllowed(runner: Kind | undefined, job: Kind): boolean {
  return runner?.accessLevel === undefined || job.accessLevel !== undefined;
}

/** Where a kind of runner is looked for: under each of its tags, or under none. */
function shelvesOf(runner: Kind): readonly string[] {
  if (runner.managerOf !== undefined) return [`runner ${runner.managerOf}`];
  return runner.tags.length === 0 ? [shelfOf(runner, null)] : runner.tags.map((tag) => shelfOf(runner, tag));
}

function shelfOf({ projectId, profile }: Kind, tag: string | null): string {
  return JSON.stringify([projectId, profile, tag]);
}

function rank(runner: Kind | undefined, job: Kind): number {
  return runner?.key === job.key ? 0 : 1;
}
