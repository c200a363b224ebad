import { describe, expect, it } from 'vitest';
import { type AdmissionRequest, judgeAdmission, waitingItem } from '../../../autoscaler/demand/admission.ts';
import { choiceOf, jobStates, type RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { choice, launchGroupOf, pendingJob, runnerItem } from '../../support/builders.ts';

const request = (changes: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  event: pendingJob(),
  choice: choice({ tags: ['docker'] }),
  admittedBy: 'this execution',
  now: '2030-01-01T00:10:00.000Z',
  maxAttempts: 3,
  ...changes,
});

describe('a job without an item', () => {
  it('is admitted as its first attempt, with all that is known of it', () => {
    const { event, choice: chosen } = request();
    expect(judgeAdmission(null, request())).toEqual({
      kind: 'admit',
      item: {
        pk: 'job#7#1',
        state: 'ADMITTED',
        jobState: 'PENDING',
        attempt: 1,
        admittedBy: 'this execution',
        event,
        ...chosen,
        admittedAt: '2030-01-01T00:10:00.000Z',
        live: 'live',
      },
    });
  });
});

describe('a job with a runner on its way or at work', () => {
  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'] as const)('gets no second one: %s', (state) => {
    const verdict = judgeAdmission(runnerItem({ state, attempt: 2 }), request());
    expect(verdict).toEqual({ kind: 'refuse', why: `its runner is ${state} at attempt 2` });
  });

  it('keeps its attempt when the same execution asks again, having lost the answer', () => {
    const own = runnerItem({ state: 'ADMITTED', attempt: 2, admittedBy: 'this execution' });
    expect(judgeAdmission(own, request())).toEqual({ kind: 'already-ours', item: own });
  });

  it('is refused even to the execution that admitted it, once its runner went on', () => {
    const own = runnerItem({ state: 'REGISTERED', admittedBy: 'this execution' });
    expect(judgeAdmission(own, request())).toMatchObject({ kind: 'refuse' });
  });
});

describe('a job that runs on the runner of another one, in whose name a stand-in is made', () => {
  const standIn = request({ standIn: true });

  it('is admitted as one that runs', () => {
    expect(judgeAdmission(null, standIn)).toMatchObject({ kind: 'admit', item: { attempt: 1, jobState: 'RUNNING' } });
  });

  it.each([
    ['WAITING', 2, 1],
    ['RELEASED', 3, 2],
    ['FAILED', 3, 1],
  ] as const)('is admitted when its own runner is %s', (state, attempt, excusedAttempts) => {
    const own = runnerItem({ state, jobState: 'RUNNING', attempt: 2, excusedAttempts: 1 });
    expect(judgeAdmission(own, standIn)).toMatchObject({
      kind: 'admit',
      item: { jobState: 'RUNNING', attempt, excusedAttempts },
    });
    expect(judgeAdmission(own, request())).toEqual({ kind: 'refuse', why: 'the job is RUNNING' });
  });

  it('is refused when it is over, has a runner, or had all its attempts', () => {
    expect(judgeAdmission(runnerItem({ state: 'RELEASED', jobState: 'FINISHED' }), standIn)).toEqual({
      kind: 'refuse',
      why: 'the job is FINISHED',
    });
    expect(judgeAdmission(runnerItem({ state: 'LAUNCHED', jobState: 'RUNNING' }), standIn).kind).toBe('refuse');
    expect(judgeAdmission(runnerItem({ state: 'FAILED', attempt: 3 }), standIn).kind).toBe('refuse');
  });
});

describe('a job that waits for a place', () => {
  it('is admitted as the same attempt, since waiting costs none', () => {
    const verdict = judgeAdmission(runnerItem({ state: 'WAITING', attempt: 3 }), request());
    expect(verdict).toMatchObject({ kind: 'admit', item: { state: 'ADMITTED', attempt: 3 } });
  });
});

describe('a job that waits for something else than a place', () => {
  const waitsFor = {
    error: 'GitLabUnavailableError',
    message: 'no answer',
    since: '2030-01-01T00:00:00.000Z',
    lookAt: '2030-01-01T00:00:08.000Z',
    looks: 1,
  };

  it('is admitted as its first attempt when none was begun', () => {
    const verdict = judgeAdmission(runnerItem({ state: 'WAITING', waitsFor }), request());
    expect(verdict).toMatchObject({ kind: 'admit', item: { attempt: 1 } });
  });

  it('is admitted as the next attempt when one was begun, so that nothing of that one reaches it', () => {
    const begun = runnerItem({ state: 'WAITING', attempt: 4, excusedAttempts: 3, attemptBegun: true, waitsFor });
    expect(judgeAdmission(begun, request({ maxAttempts: 2 }))).toMatchObject({
      kind: 'admit',
      item: { attempt: 5, excusedAttempts: 3 },
    });
  });

  it('keeps for what and since when it waited, should that still be in the way', () => {
    const verdict = judgeAdmission(runnerItem({ state: 'WAITING', waitsFor }), request());
    expect(verdict).toMatchObject({ item: { waitsFor } });
    expect(verdict).not.toHaveProperty('item.attemptBegun');
  });

  it('keeps it while it waits for a place in between, where that was more than its turn', () => {
    const asked = runnerItem({ state: 'ADMITTED', waitsFor });
    const queued = waitingItem(asked);
    expect(queued).toMatchObject({ state: 'WAITING', waitedFor: waitsFor });
    expect(queued).not.toHaveProperty('waitsFor');
    const verdict = judgeAdmission(queued, request());
    expect(verdict).toMatchObject({ item: { waitsFor } });
    expect(verdict).not.toHaveProperty('item.waitedFor');
    const held = runnerItem({ state: 'ADMITTED', waitsFor: { ...waitsFor, error: 'NotItsTurnError' } });
    expect(waitingItem(held)).not.toHaveProperty('waitedFor');
  });

  it('goes to the fallback of its mapping when its function could not be started, and stays there', () => {
    const fallback = choice({ profile: 'large' });
    const withFallback = request({ choice: choice({ type: 'LAMBDA', profile: 'shell' }), fallback });
    const given = { state: 'WAITING', attemptBegun: true, excusedAttempts: 1, runnerId: 5 } as const;
    const profileAfter = (changes: Partial<RunnerItem>) => {
      const verdict = judgeAdmission(runnerItem({ ...given, ...changes }), withFallback);
      return verdict.kind === 'admit' && verdict.item.profile;
    };
    const throttled = { ...waitsFor, error: 'Lambda.TooManyRequestsException' };
    expect(profileAfter({ type: 'LAMBDA', profile: 'shell', waitsFor: throttled })).toBe('large');
    expect(profileAfter({ type: 'EC2', profile: 'large', waitsFor: throttled })).toBe('large');
    expect(profileAfter({ type: 'LAMBDA', profile: 'shell', waitsFor })).toBe('shell');
  });

  it.each([
    { type: 'LAMBDA', profile: 'shell', attempt: 1, attemptBegun: true, runnerId: 5 },
    { type: 'EC2', profile: 'large', attempt: 2, excusedAttempts: 1 },
  ] as const)('has nothing of its function there: waiting as $type', (waiting) => {
    const ofFunction = { tenantId: 'project-7', accessLevel: 'ref_protected', gated: true, awaited: true } as const;
    const shell = choice({ type: 'LAMBDA', profile: 'shell', functionArn: 'arn', ...ofFunction, exact: 60 });
    const fallback = choice({ profile: 'large' });
    const verdict = judgeAdmission(runnerItem({ ...waiting, state: 'WAITING' }), request({ choice: shell, fallback }));
    expect(verdict.kind === 'admit' && choiceOf(verdict.item)).toEqual(fallback);
  });
});

describe.each(['FAILED', 'RELEASED'] as const)('a job that still waits although its runner is %s', (state) => {
  it('gets its next attempt, in which nothing of the earlier one is left', () => {
    const earlier = runnerItem({
      state,
      attempt: 2,
      runnerId: 5,
      ticketId: 'i-1',
      instanceId: 'i-1',
      takenJob: 'job#7#2',
      failure: 'x',
      stoppedAt: '2030-01-01T00:01:00.000Z',
      launchGroup: launchGroupOf(),
      expiresAt: 1,
    });
    const fresh = judgeAdmission(null, request());
    expect(judgeAdmission(earlier, request())).toEqual({
      kind: 'admit',
      item: {
        ...(fresh as { item: RunnerItem }).item,
        attempt: 3,
        ...(state === 'RELEASED' ? { excusedAttempts: 1 } : {}),
      },
    });
  });
});

describe('the attempts of a job', () => {
  it('are at most maxAttempts when they failed', () => {
    expect(judgeAdmission(runnerItem({ state: 'FAILED', attempt: 3 }), request())).toEqual({
      kind: 'refuse',
      why: '3 attempts failed, which is all that maxAttempts allows',
    });
  });

  it('may be more when its runners worked, for other jobs', () => {
    expect(judgeAdmission(runnerItem({ state: 'RELEASED', attempt: 3 }), request())).toMatchObject({
      kind: 'admit',
      item: { attempt: 4, excusedAttempts: 1 },
    });
  });

  it('are only the failed ones: runners that worked for other jobs use none up', () => {
    const twiceServed = (attempt: number) => runnerItem({ state: 'FAILED', attempt, excusedAttempts: 2 });
    expect(judgeAdmission(twiceServed(4), request())).toMatchObject({
      kind: 'admit',
      item: { attempt: 5, excusedAttempts: 2 },
    });
    expect(judgeAdmission(twiceServed(5), request())).toMatchObject({ kind: 'refuse' });
    const waits = runnerItem({ state: 'WAITING', attempt: 4, excusedAttempts: 2 });
    expect(judgeAdmission(waits, request())).toMatchObject({ item: { attempt: 4, excusedAttempts: 2 } });
  });
});

describe('a job whose mapping names a fallback', () => {
  const fallback = choice({ profile: 'large', timeoutSeconds: 60 });
  const withFallback = request({ choice: choice({ type: 'LAMBDA', profile: 'shell', functionArn: 'arn' }), fallback });
  const profileAfter = (earlier: RunnerItem | null) => {
    const verdict = judgeAdmission(earlier, withFallback);
    return verdict.kind === 'admit' ? verdict.item : verdict;
  };

  it('is tried on its function first, and waiting for a place changes nothing about that', () => {
    expect(profileAfter(null)).toMatchObject({ type: 'LAMBDA', profile: 'shell', functionArn: 'arn' });
    expect(profileAfter(runnerItem({ state: 'WAITING', attempt: 1 }))).toMatchObject({ profile: 'shell' });
  });

  it('goes to the fallback once an attempt has failed, and stays there', () => {
    const moved = { type: 'EC2', profile: 'large', functionArn: null, timeoutSeconds: 60 };
    expect(profileAfter(runnerItem({ state: 'FAILED', attempt: 1 }))).toMatchObject({ attempt: 2, ...moved });
    expect(profileAfter(runnerItem({ state: 'WAITING', attempt: 2 }))).toMatchObject({ attempt: 2, ...moved });
    expect(profileAfter(runnerItem({ state: 'FAILED', attempt: 2 }))).toMatchObject({ attempt: 3, ...moved });
  });

  it('stays on its function when that worked, for another job', () => {
    expect(profileAfter(runnerItem({ state: 'RELEASED', attempt: 1 }))).toMatchObject({ attempt: 2, profile: 'shell' });
  });
});

describe('a job that does not wait any more', () => {
  const over = jobStates.filter((state) => state !== 'PENDING');
  const states = ['WAITING', 'FAILED', 'RELEASED'] as const;

  it.each(over.flatMap((jobState) => states.map((state) => [jobState, state] as const)))(
    'gets no runner: %s, with its item %s',
    (jobState, state) => {
      const verdict = judgeAdmission(runnerItem({ state, jobState }), request());
      expect(verdict).toEqual({ kind: 'refuse', why: `the job is ${jobState}` });
    },
  );
});
