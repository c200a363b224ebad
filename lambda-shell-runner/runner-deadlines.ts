import { hasRunningJob, type RunnerStory } from './runner-story.ts';

/** How long each thing may take, in milliseconds. */
export type Patience = {
  /** For a job to come; gitlab-runner looks at it only between two requests, of which GitLab may hold each for 50 s. */
  readonly waitForJob: number;
  /**
   * From SIGTERM of a runner without a job to SIGKILL: between two requests it ends at once, inside one only after 30
   * s.
   */
  readonly endIdle: number;
  /** From SIGTERM of a runner with a job to SIGKILL: it gives a stubborn job 30 s. */
  readonly endJob: number;
  /** From the end of a job until the runner has reported it and ended. */
  readonly report: number;
  /** Before the function's own end, for killing, unregistering and wiping. */
  readonly cleanUp: number;
  /** From SIGQUIT to the earliest next signal: gitlab-runner loses one that comes right behind another. */
  readonly hearSignal: number;
};

export const patience: Patience = {
  waitForJob: 22_000,
  endIdle: 2_000,
  endJob: 33_000,
  report: 90_000,
  cleanUp: 12_000,
  hearSignal: 300,
};

/**
 * What gitlab-runner is told with `--wait-timeout`; our own limit is a little later, since it needs about a second
 * more.
 */
export const waitTimeoutSeconds = 20;

/** Points in time, milliseconds since 1970. */
export type Deadlines = { readonly job: number; readonly interrupt: number; readonly kill: number };

/** From when on what happens, for a function that ends in `remaining` milliseconds. */
export function planDeadlines(now: number, remaining: number, limits: Patience): Deadlines {
  const kill = Math.max(now, now + remaining - limits.cleanUp);
  return {
    job: Math.min(kill, now + limits.waitForJob),
    interrupt: Math.max(now, kill - limits.endJob),
    kill,
  };
}

/** Why a runner was told to end. */
export type EndReason = 'no-job' | 'refused' | 'job-withdrawn' | 'not-ending' | 'out-of-time';

/** What was done to the runner so far, and when. */
export type RunnerDoings = {
  readonly exited: boolean;
  /** Removed in GitLab while it had no job. */
  readonly removed: { readonly because: EndReason } | null;
  /** When it was told to ask for no other job (SIGQUIT). */
  readonly quitAt: number | null;
  readonly interrupted: { readonly at: number; readonly because: EndReason } | null;
  readonly killedAt: number | null;
  /** When the job's end was seen in the log. */
  readonly jobEndedAt: number | null;
};

/** To a runner that was just started, nothing was done. */
export const untouchedRunner: RunnerDoings = {
  exited: false,
  removed: null,
  quitAt: null,
  interrupted: null,
  killedAt: null,
  jobEndedAt: null,
};

export type RunnerStep =
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'remove-runner' | 'interrupt'; readonly because: EndReason }
  | { readonly kind: 'quit' | 'kill' | 'done' };

/**
 * What to do with the runner now. One that was given a job is told to ask for no other (SIGQUIT): a job that is
 * canceled as it is handed out does not count as its one build, and it would take what is next, whatever that is mapped
 * to. Never after SIGTERM, since any second signal then ends it without a word to GitLab. A runner without a job is
 * first removed in GitLab, so that it cannot be given one, then told to end (SIGTERM), then killed; a job that slipped
 * in meanwhile is let run.
 */
export function decideStep(
  story: RunnerStory,
  doings: RunnerDoings,
  deadlines: Deadlines,
  limits: Patience,
  now: number,
): RunnerStep {
  const { exited, interrupted, killedAt, quitAt } = doings;
  if (exited) return { kind: 'done' };
  // Not even SIGKILL ends a process that hangs in the kernel.
  if (killedAt !== null)
    return now >= killedAt + limits.endIdle ? { kind: 'done' } : { kind: 'wait', until: killedAt + limits.endIdle };
  if (now >= deadlines.kill) return { kind: 'kill' };
  if (interrupted) return killLater(story, interrupted, deadlines, limits, now);
  if (story.job && quitAt === null) return { kind: 'quit' };
  const step = decideEnd(story, doings, deadlines, limits, now);
  const heardAt = quitAt === null ? now : quitAt + limits.hearSignal;
  return step.kind === 'interrupt' && now < heardAt ? { kind: 'wait', until: heardAt } : step;
}

function decideEnd(
  story: RunnerStory,
  doings: RunnerDoings,
  deadlines: Deadlines,
  limits: Patience,
  now: number,
): RunnerStep {
  if (now >= deadlines.interrupt) return { kind: 'interrupt', because: 'out-of-time' };
  if (hasRunningJob(story)) return { kind: 'wait', until: deadlines.interrupt };
  if (story.job && story.job.phase !== 'withdrawn') {
    return endLater((doings.jobEndedAt ?? now) + limits.report, deadlines, now);
  }
  return endIdleRunner(story, doings, deadlines, now);
}

function killLater(
  { job }: RunnerStory,
  { at, because }: NonNullable<RunnerDoings['interrupted']>,
  deadlines: Deadlines,
  limits: Patience,
  now: number,
): RunnerStep {
  const hasJob = job !== null && job.phase !== 'withdrawn' && because !== 'not-ending';
  const until = Math.min(deadlines.kill, at + (hasJob ? limits.endJob : limits.endIdle));
  return now >= until ? { kind: 'kill' } : { kind: 'wait', until };
}

function endLater(at: number, deadlines: Deadlines, now: number): RunnerStep {
  return now >= at
    ? { kind: 'interrupt', because: 'not-ending' }
    : { kind: 'wait', until: Math.min(at, deadlines.interrupt) };
}

function endIdleRunner(story: RunnerStory, { removed }: RunnerDoings, deadlines: Deadlines, now: number): RunnerStep {
  if (removed) return { kind: 'interrupt', because: removed.because };
  const because = reasonToEnd(story, deadlines, now);
  return because
    ? { kind: 'remove-runner', because }
    : { kind: 'wait', until: Math.min(deadlines.job, deadlines.interrupt) };
}

function reasonToEnd({ job, refused }: RunnerStory, deadlines: Deadlines, now: number): EndReason | null {
  if (job) return 'job-withdrawn';
  if (refused) return 'refused';
  return now >= deadlines.job ? 'no-job' : null;
}
