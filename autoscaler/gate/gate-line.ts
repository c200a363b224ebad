/**
 * A job that waits in a project, ours or not. All jobs that wait, by their ids, are the project's *line*: a runner that
 * asks GitLab gets the first one that fits it.
 */
export type LineJob = {
  readonly id: number;
  readonly tags: readonly string[];
  /** Whose runner it is to have; null for a job that is left to other runners. */
  readonly profile: string | null;
  /** Its runner is being started, or waits for its turn itself. */
  readonly isComing: boolean;
  /** Since when it waits, as far as we know; null for one that only GitLab knows. Milliseconds since 1970. */
  readonly waitsSince: number | null;
  /** Counters of caps, or GitLab's limit, under which it waits for a place; none for a job that waits for no place. */
  readonly wantsPlaces: readonly string[];
  /** Its branch or tag is protected; not known counts as not. */
  readonly isProtected: boolean;
  /** Nobody has asked whether its branch or tag is protected; what hangs on it. */
  readonly unsure?: { readonly ref: string; readonly profileIfProtected: string | null };
};

/** A runner without a job of which the gate decides whether it may ask. */
export type GatedRunner = {
  /** Its item in the table. */
  readonly key: string;
  /** The job that it was made for. */
  readonly jobId: number;
  readonly profile: string;
  /** It gets jobs all of whose tags are among these, and untagged ones only when it has none. */
  readonly tags: readonly string[];
  /** It gets jobs of protected branches and tags alone. */
  readonly isForProtected: boolean;
  /** How long its jobs wait for earlier ones that nobody starts, in seconds. */
  readonly exact: number | 'always';
  /** Its host is there: it asks within a second once it may. */
  readonly isReady: boolean;
  /** Nobody starts it, for want of capacity: it may not ask, whatever comes first. */
  readonly isStuck: boolean;
  /** The job that is written down for it, when it may ask; null when it is held. */
  readonly turn: number | null;
  /** It has not been seen to hold its token, or is paused: it can still be held again. */
  readonly canBeHeld: boolean;
  /** Counters of caps, and GitLab's limit, under which it holds a place. */
  readonly places: readonly string[];
};

/** Whether GitLab would give the job to the runner. */
export function fits(
  job: Pick<LineJob, 'tags' | 'isProtected'>,
  runner: Pick<GatedRunner, 'tags' | 'isForProtected'>,
): boolean {
  return (job.isProtected || !runner.isForProtected) && fitsByTags(job, runner);
}

/** The same, were every ref protected. */
export function fitsByTags({ tags }: Pick<LineJob, 'tags'>, runner: Pick<GatedRunner, 'tags'>): boolean {
  if (tags.length === 0) return runner.tags.length === 0;
  return tags.every((tag) => runner.tags.includes(tag));
}
