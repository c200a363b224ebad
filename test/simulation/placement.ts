import { defaultExactSeconds } from '../../infrastructure/kit/exactness.ts';

/**
 * What happened to a pending job that fits a runner, and may be why the runner was given another one. Times are
 * milliseconds since 1970.
 */
export type LineChange = {
  readonly at: number;
  readonly jobId: number;
  /**
   * `came`: it became pending. `left`: it was canceled, or given up. `taken by others`: by a runner that is none of
   * ours. `passed over`: GitLab would not give it to the runner that asked.
   */
  readonly what: 'came' | 'left' | 'taken by others' | 'passed over';
};

/** A job that GitLab gave to a runner of ours. */
export type HandOut = {
  readonly jobId: number;
  /** Where its mapping lets it run; nowhere when it is left to others. */
  readonly profiles: readonly string[];
  /** Of the runner. */
  readonly profile: string;
  /** When it was decided that the runner may ask. */
  readonly lookedAt: number;
  /** Since when the job was pending. */
  readonly pendingAt: number;
  /** What happened to jobs that fit the runner. */
  readonly changes: readonly LineChange[];
};

/**
 * `excused`: misplaced, and nobody could have known at the look. `passed`: nobody had started it for so long that
 * others wait no more.
 */
export type Placement = 'as mapped' | 'excused' | 'passed' | 'misplaced';

/**
 * Whether a job runs on a runner of the profile that its mapping names. GitLab gives a runner the lowest id that fits,
 * so that at the look it could be known which job that would be, unless since then the line has changed at this job or
 * before it.
 */
export function judgePlacement({ jobId, profiles, profile, lookedAt, pendingAt, changes }: HandOut): Placement {
  if (profiles.includes(profile)) return 'as mapped';
  const hasChanged = changes.some((change) => change.at >= lookedAt && change.jobId <= jobId);
  if (hasChanged) return 'excused';
  return lookedAt - pendingAt >= defaultExactSeconds * 1_000 ? 'passed' : 'misplaced';
}
