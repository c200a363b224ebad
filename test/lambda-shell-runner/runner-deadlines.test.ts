import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideStep,
  patience,
  planDeadlines,
  type RunnerDoings,
  type RunnerStep,
  untouchedRunner,
} from '../../lambda-shell-runner/runner-deadlines.ts';
import type { RunnerStory } from '../../lambda-shell-runner/runner-story.ts';
import { stories } from './runner-stories.ts';

const minute = 60_000;

/**
 * Lets a runner live until it ends, on a clock that only moves when there is nothing to do, and tells what was done and
 * when.
 */
function live(options: {
  readonly functionMinutes: number;
  readonly story: (now: number, doings: RunnerDoings) => RunnerStory;
  readonly exitsAt?: (now: number, doings: RunnerDoings) => boolean;
  readonly jobEndsAt?: number;
}): readonly [number, string][] {
  const deadlines = planDeadlines(0, options.functionMinutes * minute, patience);
  let doings = untouchedRunner;
  const done: [number, string][] = [];
  for (let now = 0; ; ) {
    const jobEndedAt = options.jobEndsAt !== undefined && now >= options.jobEndsAt ? options.jobEndsAt : null;
    doings = { ...doings, jobEndedAt, exited: options.exitsAt?.(now, doings) ?? false };
    const step: RunnerStep = decideStep(options.story(now, doings), doings, deadlines, patience, now);
    if (step.kind === 'wait') {
      expect(step.until).toBeGreaterThan(now);
      now = Math.min(step.until, now + 1_000);
      continue;
    }
    done.push([now / 1_000, 'because' in step ? `${step.kind}: ${step.because}` : step.kind]);
    if (step.kind === 'done') return done;
    if (step.kind === 'quit') doings = { ...doings, quitAt: now };
    if (step.kind === 'remove-runner') doings = { ...doings, removed: { because: step.because } };
    if (step.kind === 'interrupt') doings = { ...doings, interrupted: { at: now, because: step.because } };
    if (step.kind === 'kill') doings = { ...doings, killedAt: now };
  }
}

describe('the deadlines', () => {
  it('leave 45 s to end a job and to clean up before the function’s own end', () => {
    const end = 15 * minute;
    expect(planDeadlines(0, end, patience)).toEqual({ job: 22_000, interrupt: end - 45_000, kill: end - 12_000 });
  });

  it('tell gitlab-runner to end at least 40 s before the function’s end, and kill after its own 30 s, for any time that is left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60_000, max: 900_000 }), fc.integer({ min: 0, max: 1e12 }), (remaining, now) => {
        const { interrupt, kill } = planDeadlines(now, remaining, patience);
        expect(now + remaining - interrupt).toBeGreaterThanOrEqual(40_000);
        expect(kill - interrupt).toBeGreaterThan(30_000);
        expect(kill).toBeLessThan(now + remaining);
      }),
    );
  });

  it('never lie in the past, even when hardly any time is left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000 }), (remaining) => {
        const { job, interrupt, kill } = planDeadlines(1_000, remaining, patience);
        expect(Math.min(job, interrupt, kill)).toBeGreaterThanOrEqual(1_000);
      }),
    );
  });
});

describe('a runner', () => {
  it('without a job is removed in GitLab, told to end, and killed 2 s later', () => {
    expect(live({ functionMinutes: 15, story: () => stories.idle })).toEqual([
      [22, 'remove-runner: no-job'],
      [22, 'interrupt: no-job'],
      [24, 'kill'],
      [26, 'done'],
    ]);
  });

  it('that ends by itself after its wait is left alone', () => {
    expect(live({ functionMinutes: 15, story: () => stories.idle, exitsAt: (now) => now >= 21_000 })).toEqual([
      [21, 'done'],
    ]);
  });

  it('that GitLab refuses is ended at once', () => {
    const end = live({
      functionMinutes: 15,
      story: (now) => (now >= 1_000 ? stories.refused : stories.idle),
      exitsAt: (_now, { interrupted }) => interrupted !== null,
    });
    expect(end).toEqual([
      [1, 'remove-runner: refused'],
      [1, 'interrupt: refused'],
      [1, 'done'],
    ]);
  });

  it('whose job was canceled at hand-over is ended at once, since it would take another', () => {
    expect(live({ functionMinutes: 15, story: () => stories.canceledBeforeStart }).slice(0, 3)).toEqual([
      [0, 'quit'],
      [0, 'remove-runner: job-withdrawn'],
      // Not right behind the other signal, which it would lose.
      [0.3, 'interrupt: job-withdrawn'],
    ]);
  });

  it('that was given a job just before it was removed may run it', () => {
    const end = live({
      functionMinutes: 15,
      story: (now, { removed }) => (removed ? (now < minute ? stories.running : stories.succeeded) : stories.idle),
      exitsAt: (now) => now >= minute,
    });
    expect(end).toEqual([
      [22, 'remove-runner: no-job'],
      [22, 'quit'],
      [60, 'done'],
    ]);
  });

  it('is told to take no other job as soon as it is given one', () => {
    expect(live({ functionMinutes: 15, story: (now) => (now < 2_000 ? stories.idle : stories.received) })[0]).toEqual([
      2,
      'quit',
    ]);
  });

  it('that was given a job just before it was told to end may report its failure, since no other signal follows', () => {
    const end = live({
      functionMinutes: 15,
      story: (_now, { interrupted }) => (interrupted ? stories.interruptedAndReported : stories.idle),
      exitsAt: (now) => now >= 27_000,
    });
    expect(end).toEqual([
      [22, 'remove-runner: no-job'],
      [22, 'interrupt: no-job'],
      [27, 'done'],
    ]);
  });

  it('with a job is left alone until the function’s end comes near', () => {
    expect(live({ functionMinutes: 15, story: () => stories.running })).toEqual([
      [0, 'quit'],
      [855, 'interrupt: out-of-time'],
      [888, 'kill'],
      [890, 'done'],
    ]);
  });

  it('with a job that its user canceled is left to end that job', () => {
    expect(
      live({ functionMinutes: 15, story: () => stories.canceledWhileRunning, exitsAt: (now) => now >= 30_000 }),
    ).toEqual([
      [0, 'quit'],
      [30, 'done'],
    ]);
  });

  it('may take its time to report, but not for ever', () => {
    expect(live({ functionMinutes: 15, story: () => stories.succeeded, jobEndsAt: 10_000 })).toEqual([
      [0, 'quit'],
      [100, 'interrupt: not-ending'],
      [102, 'kill'],
      [104, 'done'],
    ]);
  });

  it('is not kept from its deadline by a report that takes long', () => {
    expect(live({ functionMinutes: 15, story: () => stories.succeeded, jobEndsAt: 840_000 })[1]).toEqual([
      855,
      'interrupt: out-of-time',
    ]);
  });

  it('runs a second job that it got before the canceled first one was noticed', () => {
    expect(
      live({ functionMinutes: 15, story: () => stories.secondJobAfterCanceled, exitsAt: (now) => now >= minute }),
    ).toEqual([
      [0, 'quit'],
      [60, 'done'],
    ]);
  });
});
