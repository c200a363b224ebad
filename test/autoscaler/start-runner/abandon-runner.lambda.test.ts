import { describe, expect, it } from 'vitest';
import type * as z from 'zod/mini';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { type AbandonRunnerPorts, abandonRunner } from '../../../autoscaler/start-runner/abandon-runner.lambda.ts';
import type { abandonRunnerInput } from '../../../autoscaler/start-runner/start-runner-input.ts';
import { GitLabUnavailableError } from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { metricNames } from '../../../infrastructure/kit/lambda/metrics.ts';
import { launchGroupOf, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryInstances } from '../../support/in-memory-instances.ts';
import { inMemoryOutageMark } from '../../support/in-memory-outage-mark.ts';
import { type InMemoryRunnersStore, inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

type Input = z.infer<typeof abandonRunnerInput>;
type Options = { readonly maxAttempts?: number; readonly random?: number };

type World = {
  readonly gitlab: ReturnType<typeof inMemoryGitLab>;
  readonly store: InMemoryRunnersStore;
  readonly instances?: AbandonRunnerPorts['instances'];
  readonly outages?: AbandonRunnerPorts['outages'];
};

const job = 'job#7#1';
const caps = [{ counter: 'cap#deployment', limit: 1 }];
const abandonable = ['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const;

const launchedAt = '2030-01-01T00:00:00.000Z';

/** A job's item, with its place, its runner in GitLab and its ticket; started, if its state says so. */
async function world(changes: Partial<RunnerItem> = {}, ...others: RunnerItem[]) {
  const gitlab = inMemoryGitLab();
  const note = { description: 'd', maintenanceNote: 'n', projectId: 7, tags: [], maximumTimeoutSeconds: 3_600 };
  const { runnerId, token } = await gitlab.createRunner(note);
  const store = inMemoryRunnersStore(
    runnerItem({
      caps,
      runnerId,
      ticketId: job,
      ...(changes.state === 'LAUNCHED' ? { launchedAt } : {}),
      ...changes,
    }),
    ...others,
  );
  store.tickets.set(job, { id: job, token, job, expiresAt: 1 });
  store.counters.set('cap#deployment', 1);
  return { gitlab, store, runnerId };
}

function abandon(
  { gitlab, store, instances = inMemoryInstances(), outages = inMemoryOutageMark() }: World,
  changes: Partial<Input> = {},
  { maxAttempts = 3, random = 0 }: Options = {},
  context = lambdaContext(),
) {
  const input = { projectId: 7, jobId: 1, attempt: 1, event: pendingJob(), error: 'NoCapacityError', cause: 'none' };
  const dice = { now: () => testStart, random: () => random };
  const ports = { gitlab, store, instances, outages, bus: inMemoryBus(), maxAttempts, ...dice };
  return abandonRunner({ ...input, ...changes }, ports, context);
}

describe.each(abandonable)('an attempt that failed when it was %s', (state) => {
  it('leaves no runner, no ticket and no place, and says why', async () => {
    const { gitlab, store } = await world({ state });
    await abandon({ gitlab, store });
    expect(gitlab.runners.size).toBe(0);
    expect(store.tickets.size).toBe(0);
    expect(store.counters.get('cap#deployment')).toBe(0);
    expect(store.items.get(job)).toMatchObject({
      ...(state === 'LAUNCHED'
        ? { state: 'FAILED', failure: 'NoCapacityError: none' }
        : { state: 'WAITING', waitsFor: { error: 'NoCapacityError', message: 'none' } }),
      attempt: 1,
      stoppedAt: '2030-01-01T00:00:00.000Z',
      live: 'live',
    });
  });

  it('removes the ticket of the instance that was to claim it', async () => {
    const { gitlab, store } = await world({ state, ticketId: 'i-1', instanceId: 'i-1' });
    store.tickets.set('i-1', { id: 'i-1', token: 'glrt-fake-token', job, expiresAt: 1 });
    await abandon({ gitlab, store });
    expect(store.tickets.size).toBe(0);
  });

  it('lets the job that waited longest have the place', async () => {
    const waiting = [2, 3].map((jobId) =>
      runnerItem({ jobId, state: 'WAITING', caps, admittedAt: `2030-01-01T00:00:0${9 - jobId}.000Z` }),
    );
    expect((await abandon(await world({ state }, ...waiting))).next.map(({ jobId }) => jobId)).toEqual([3]);
  });

  it('is out of the live ones when its job is over already', async () => {
    const { gitlab, store } = await world({ state, jobState: 'FINISHED' });
    await abandon({ gitlab, store });
    expect(store.items.get(job)).toMatchObject({
      state: state === 'LAUNCHED' ? 'FAILED' : 'RELEASED',
      expiresAt: testStart / 1_000 + 14 * 86_400,
    });
    expect(store.items.get(job)).not.toHaveProperty('live');
  });
});

describe('a job that counted on the runner whose attempt failed', () => {
  const counted = runnerItem({ jobId: 5, state: 'RELEASED' });

  it('is asked for, when the runner was idle since its own job runs elsewhere', async () => {
    const { next } = await abandon(await world({ state: 'REGISTERED', jobState: 'RUNNING' }, counted));
    expect(next.map(({ jobId }) => jobId)).toEqual([5]);
  });

  it('is not asked for twice, by its own retry', async () => {
    const robbed = runnerItem({ jobId: 5, state: 'RUNNING', takenJob: job, runnerId: 105 });
    const { next, retry } = await abandon(await world({ state: 'REGISTERED', jobState: 'RUNNING' }, robbed));
    expect([next, retry?.jobId]).toEqual([[], 1]);
  });

  it('is not asked for, when the runner was for its own job', async () => {
    expect((await abandon(await world({ state: 'REGISTERED' }, counted))).next).toEqual([]);
  });
});

describe('a failed attempt', () => {
  const launched = (attempt = 1) => world({ state: 'LAUNCHED', attempt });

  it.each([
    ['that is tried again', 1, { AttemptsFailed: 1 }],
    ['that was the last one', 3, { AttemptsFailed: 1, JobsGivenUp: 1 }],
  ] as const)('%s is counted as that', async (_, attempt, counted) => {
    const context = lambdaContext();
    await abandon(await launched(attempt), { attempt }, {}, context);
    const line = context.lines.find(({ _aws }) => _aws);
    expect(line).toMatchObject({ level: 'error', ...counted });
    for (const metric of metricNames) if (!(metric in counted)) expect(line).not.toHaveProperty(metric);
  });

  it('is counted once, however often its step is repeated', async () => {
    const context = lambdaContext();
    const one = await launched();
    for (let time = 0; time < 3; time += 1) await abandon(one, {}, {}, context);
    expect(context.lines.filter(({ AttemptsFailed }) => AttemptsFailed)).toHaveLength(1);
  });

  it('fails its workflow, with its error in words', async () => {
    const cause = JSON.stringify({ errorType: 'X', errorMessage: 'its disk is full' });
    const one = await world({ state: 'LAUNCHED', type: 'LAMBDA' });
    const { failure } = await abandon(one, { error: 'LambdaRunnerFailed', cause });
    expect(failure).toEqual({ error: 'LambdaRunnerFailed', cause: 'its disk is full' });
  });
});

describe('an attempt whose runner was never started', () => {
  it.each(['ADMITTED', 'REGISTERED'] as const)('counts for nothing: %s', async (state) => {
    const context = lambdaContext();
    const one = await world({ state, attempt: 3 });
    const { failure, retry } = await abandon(one, { attempt: 3 }, {}, context);
    expect([failure, retry?.jobId]).toEqual([null, 1]);
    expect(one.store.items.get(job)).toMatchObject({ state: 'WAITING', attemptBegun: true, excusedAttempts: 1 });
    const line = context.lines.find(({ _aws }) => _aws);
    expect(line).toMatchObject({ level: 'info', StartsDeferred: 1 });
    for (const metric of ['AttemptsFailed', 'JobsGivenUp']) expect(line).not.toHaveProperty(metric);
  });

  it('is excused once, however often its step is repeated', async () => {
    const one = await world({ state: 'REGISTERED' });
    for (let time = 0; time < 3; time += 1) await abandon(one);
    expect(one.store.items.get(job)).toMatchObject({ excusedAttempts: 1, waitsFor: { looks: 1 } });
  });

  it('is one for whose function Lambda had no room, or whose function GitLab did not answer', async () => {
    for (const error of ['LambdaRunnerNotStarted', 'LambdaRunnerCutOff']) {
      const one = await world({ state: 'LAUNCHED', type: 'LAMBDA' });
      await abandon(one, { error });
      expect(one.store.items.get(job)).toMatchObject({ state: 'WAITING', waitsFor: { error } });
    }
  });

  it('is not one whose function failed before its start was noted', async () => {
    const one = await world({ state: 'REGISTERED', type: 'LAMBDA' });
    await abandon(one, { error: 'LambdaRunnerFailed' });
    expect(one.store.items.get(job)).toMatchObject({ state: 'FAILED' });
  });

  it('for a mapping to what was not deployed names the row in the log and in the job’s state, and is counted', async () => {
    const context = lambdaContext();
    const store = inMemoryRunnersStore();
    const cause = 'mapping "job#lint tags#" asks for the EC2 runner "huge", which this deployment has not';
    const input = { attempt: null, error: 'MappingNotAllowedError', cause };
    await abandon({ gitlab: inMemoryGitLab(), store }, input, {}, context);
    expect(context.lines).toContainEqual(expect.objectContaining({ cause, MappingsRefused: 1 }));
    expect(store.items.get(job)).toMatchObject({
      state: 'WAITING',
      waitsFor: { error: 'MappingNotAllowedError', message: cause },
    });
  });
});

it.each([
  ['may wait, as long as no runner is named for it', null, 'PENDING'],
  ['runs, where a runner is named', 101, 'RUNNING'],
] as const)('a job that is called running and of which GitLab cannot tell %s', async (_, runnerId, jobState) => {
  const one = { gitlab: inMemoryGitLab(), store: inMemoryRunnersStore() };
  const event = pendingJob({ status: 'running', runnerId });
  await abandon(one, { attempt: null, error: 'GitLabUnavailableError', event });
  expect(one.store.items.get(job)).toMatchObject({ state: 'WAITING', jobState });
});

it('an attempt that ends while GitLab cannot be asked is noted as over, for the reconciler to end', async () => {
  const one = await world({ state: 'LAUNCHED', type: 'LAMBDA' });
  one.store.tickets.clear();
  const away = new GitLabUnavailableError('no answer');
  const pauseRunner = () => Promise.reject(away);
  const input = { error: 'LambdaRunnerNotStarted', cause: 'no room' };
  await expect(abandon({ ...one, gitlab: { ...one.gitlab, pauseRunner } }, input)).rejects.toBe(away);
  const overBecause = { error: 'LambdaRunnerNotStarted', message: 'no room' };
  expect(one.store.items.get(job)).toMatchObject({ state: 'LAUNCHED', overBecause });
  await abandon(one, input);
  expect(one.store.items.get(job)).toMatchObject({ state: 'WAITING' });
});

describe('a runner that was started while GitLab was away', () => {
  const abandonAfter = async (lastOutage: number | null, launchedAt: string) => {
    const one = await world({ state: 'LAUNCHED', launchedAt });
    await abandon({ ...one, outages: inMemoryOutageMark(lastOutage) }, { error: 'HostUnused' });
    return one.store.items.get(job)?.state;
  };

  it('is no failed attempt', async () => {
    expect(await abandonAfter(testStart + 1_000, launchedAt)).toBe('WAITING');
  });

  it('is one when GitLab was away before, or never', async () => {
    expect(await abandonAfter(testStart - 1_000, launchedAt)).toBe('FAILED');
    expect(await abandonAfter(null, launchedAt)).toBe('FAILED');
  });

  it.each(['GitLabUnavailableError', 'GitLabLimitError', 'LambdaRunnerCutOff'])('is known by %s', async (error) => {
    const outages = inMemoryOutageMark();
    await abandon({ ...(await world()), outages }, { error });
    expect(await outages.lastSeen()).toBe(testStart);
  });

  it('is not known by any other error', async () => {
    const outages = inMemoryOutageMark();
    await abandon({ ...(await world()), outages }, { error: 'NoCapacityError' });
    expect(await outages.lastSeen()).toBeNull();
  });

  it('does not keep anything from being abandoned when the outage cannot be noted', async () => {
    const one = await world();
    const outages = { note: () => Promise.reject(new Error('busy')), lastSeen: async () => null };
    expect((await abandon({ ...one, outages }, { error: 'GitLabUnavailableError' })).retry).not.toBeNull();
  });
});

describe('an attempt that failed when its instance was launched', () => {
  const launched = (instanceId = 'i-0001') => world({ state: 'LAUNCHED', instanceId, ticketId: instanceId });
  /** EC2 with one instance that lives, i-0001. */
  async function oneInstance() {
    const instances = inMemoryInstances();
    await instances.launch({ source: launchGroupOf().source, lifecycle: 'spot', count: 1, tags: {} }, 'token');
    return instances;
  }

  it('leaves no instance', async () => {
    const instances = await oneInstance();
    await abandon({ ...(await launched()), instances });
    expect([...instances.running.keys()]).toEqual([]);
  });

  it('leaves none when its instance is gone already', async () => {
    const instances = await oneInstance();
    const one = await launched('i-0009');
    expect((await abandon({ ...one, instances })).retry).not.toBeNull();
    expect([...instances.running.keys()]).toEqual(['i-0001']);
  });

  it('keeps nothing that a repeated step would not finish: item, GitLab runner and instance, in this order', async () => {
    const one = await launched();
    const instances = await oneInstance();
    const busy = Object.assign(new Error('slow down'), { name: 'RequestLimitExceeded' });
    const failing = { terminate: () => Promise.reject(busy) };
    await expect(abandon({ ...one, instances: failing })).rejects.toBe(busy);
    expect(one.store.items.get(job)).toMatchObject({ state: 'FAILED', instanceId: 'i-0001' });
    expect(one.gitlab.runners.size).toBe(0);
    expect((await abandon({ ...one, instances })).retry).not.toBeNull();
    expect([...instances.running.keys()]).toEqual([]);
    expect(one.store.counters.get('cap#deployment')).toBe(0);
  });

  it('keeps its instance as long as GitLab says that a job runs on it', async () => {
    const one = await launched();
    one.gitlab.setJob({ id: 1, status: 'running', runnerId: one.runnerId });
    const instances = await oneInstance();
    await abandon({ ...one, instances });
    expect([...instances.running.keys()]).toEqual(['i-0001']);
  });

  it('asks nothing of EC2 when there was no instance yet', async () => {
    const instances = { terminate: () => Promise.reject(new Error('asked EC2')) };
    expect((await abandon({ ...(await world({ state: 'REGISTERED' })), instances })).retry).not.toBeNull();
  });
});

describe('a runner that is not to be abandoned', () => {
  it.each(['WAITING', 'RUNNING', 'STOPPING', 'RELEASED'] as const)('keeps everything: %s', async (state) => {
    const { gitlab, store, runnerId } = await world({ state });
    const before = store.items.get(job);
    expect(await abandon({ gitlab, store })).toMatchObject({ retry: null, next: [], unwanted: null, failure: null });
    expect(store.items.get(job)).toEqual(before);
    expect(store.tickets.size).toBe(1);
    expect(store.counters.get('cap#deployment')).toBe(1);
    expect(gitlab.runners.has(runnerId)).toBe(true);
  });

  it.each(['REGISTERED', 'LAUNCHED'] as const)('is one on which GitLab has a job running: %s', async (state) => {
    const { gitlab, store, runnerId } = await world({ state });
    store.tickets.clear();
    gitlab.setJob({ id: 2, status: 'running', runnerId });
    expect(await abandon({ gitlab, store })).toMatchObject({ retry: null, next: [] });
    expect(store.items.get(job)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
    expect(gitlab.runners.has(runnerId)).toBe(true);
    expect(store.counters.get('cap#deployment')).toBe(1);
  });

  it.each([
    ['LAUNCHED', 'LambdaRunnerFailed'],
    ['RUNNING', 'LambdaRunnerFailed'],
    ['LAUNCHED', 'LambdaRunnerCutOff'],
  ] as const)(
    'ends with its job when its function is over, since nobody else will end that job: %s, %s',
    async (state, error) => {
      const { gitlab, store, runnerId } = await world({ state, type: 'LAMBDA' });
      store.tickets.clear();
      gitlab.setJob({ id: 2, status: 'running', runnerId });
      const { unwanted } = await abandon({ gitlab, store }, { error });
      expect(unwanted).toMatchObject({ kind: 'runner-unwanted', projectId: 7, jobId: 1, attempt: 1, force: true });
    },
  );

  it.each(['LambdaRunnerFailed', 'LambdaRunnerNotStarted', 'LambdaRunnerCutOff'])(
    'is not one on an instance, whoever tells that its function is over: %s',
    async (error) => {
      const { gitlab, store, runnerId } = await world({ state: 'LAUNCHED' });
      const before = store.items.get(job);
      store.tickets.clear();
      gitlab.setJob({ id: 2, status: 'running', runnerId });
      expect(await abandon({ gitlab, store }, { error })).toMatchObject({ unwanted: null, failure: null, retry: null });
      expect(store.items.get(job)).toEqual(before);
      expect(gitlab.runners.get(runnerId)).toMatchObject({ paused: false });
    },
  );

  it('is not left half abandoned when GitLab will not remove it: the next try removes it', async () => {
    const { gitlab, store } = await world({ state: 'REGISTERED' });
    const down = Object.assign(new Error('no answer'), { name: 'GitLabUnavailableError' });
    const failing = { ...gitlab, removeRunner: () => Promise.reject(down) };
    await expect(abandon({ gitlab: failing, store })).rejects.toBe(down);
    expect((await abandon({ gitlab, store })).retry).not.toBeNull();
    expect(gitlab.runners.size).toBe(0);
    expect(store.counters.get('cap#deployment')).toBe(0);
  });

  it('does not keep the Lambda going in circles when its end is refused for good', async () => {
    const { gitlab, store } = await world({ state: 'REGISTERED' });
    // A person cleared the counter: there is no place to give back.
    store.counters.clear();
    let writes = 0;
    const write: typeof store.write = async (...parts) => {
      writes += 1;
      if (writes > 20) throw new Error('goes in circles');
      return store.write(...parts);
    };
    const outcome = await abandon({ gitlab, store: { ...store, write } }).catch((error: Error) => error.message);
    expect(outcome).not.toBe('goes in circles');
  });

  it('is one of another attempt', async () => {
    const { gitlab, store, runnerId } = await world({ state: 'REGISTERED', attempt: 2 });
    expect(await abandon({ gitlab, store }, { attempt: 1 })).toMatchObject({ retry: null });
    expect(store.items.get(job)).toMatchObject({ state: 'REGISTERED' });
    expect(gitlab.runners.has(runnerId)).toBe(true);
  });

  it('is one of a job that we do not know', async () => {
    const store = inMemoryRunnersStore();
    expect(await abandon({ gitlab: inMemoryGitLab(), store })).toMatchObject({ retry: null, next: [] });
    expect(store.items.size).toBe(0);
  });
});

describe('another attempt', () => {
  const failed = (attempt: number, options: Options = {}, error = 'HostUnused') =>
    world({ state: 'LAUNCHED', attempt }).then((one) => abandon(one, { attempt, error }, options));

  it('is asked for with the event that asked for the first, as no delivery of GitLab’s, even when the failure came without it', async () => {
    const event = pendingJob({ deliveryId: 'delivery-1' });
    const one = await world({ state: 'REGISTERED', event });
    expect((await abandon(one, { event: null })).retry).toEqual({ ...event, deliveryId: null });
  });

  it('is asked for until there were maxAttempts', async () => {
    expect((await failed(2)).retry).not.toBeNull();
    expect((await failed(3)).retry).toBeNull();
    expect((await failed(1, { maxAttempts: 1 })).retry).toBeNull();
  });

  it('is asked for after a first failure, however many attempts before counted for nothing', async () => {
    const one = await world({ state: 'LAUNCHED', attempt: 3, excusedAttempts: 2 });
    expect(await abandon(one, { attempt: 3 })).toMatchObject({ retry: pendingJob(), retryAfterSeconds: 5 });
  });

  it('comes after a while that grows with each attempt, and is never the same for all', async () => {
    const waits = await Promise.all([1, 2].map((attempt) => failed(attempt)));
    expect(waits.map(({ retryAfterSeconds }) => retryAfterSeconds)).toEqual([5, 10]);
    expect((await failed(1, { random: 0.99 })).retryAfterSeconds).toBe(10);
  });

  it.each([
    'GitLabUnavailableError',
    'GitLabRefusedError',
    'LaunchThrottledError',
    'NoCapacityError',
    'PermanentLaunchError',
    'InvalidEnvironmentError',
    'Lambda.Unknown',
  ])('is soon asked for by the workflow three times after %s, and from then on by the reconciler', async (error) => {
    const waitsFor = { error, message: '', since: launchedAt, lookAt: launchedAt };
    const waits = await Promise.all(
      [0, 1, 2, 3].map(async (looks) => {
        const one = await world({ state: 'ADMITTED', attempt: 9, waitsFor: { ...waitsFor, looks } });
        const { retry, retryAfterSeconds } = await abandon(one, { attempt: 9, error }, { random: 0.5 });
        return retry && retryAfterSeconds;
      }),
    );
    expect(waits).toEqual([6, 12, 24, null]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'of at most ten comes while the workflow still lives: after attempt %i',
    async (attempt) => {
      const { retryAfterSeconds } = await failed(attempt, { maxAttempts: 10, random: 0.999 });
      // Four minutes is the workflow's timeout; its states may retry for up to a minute and a half.
      expect(retryAfterSeconds).toBeLessThanOrEqual(4 * 60 - 90);
    },
  );

  it('is asked for also when the step itself is tried again, having lost its answer', async () => {
    const one = await world({ state: 'REGISTERED' }, runnerItem({ jobId: 2, state: 'WAITING', caps }));
    const first = await abandon(one);
    expect(first).toMatchObject({ retry: { jobId: 1 }, next: [{ jobId: 2 }] });
    expect(await abandon(one)).toEqual(first);
    expect(one.store.counters.get('cap#deployment')).toBe(0);
  });
});

describe('trouble before anything was admitted', () => {
  const before = (store: InMemoryRunnersStore, changes: Partial<Input> = {}) =>
    abandon({ gitlab: inMemoryGitLab(), store }, { attempt: null, error: 'GitLabUnavailableError', ...changes });

  it('lets the job wait, and is written down', async () => {
    const store = inMemoryRunnersStore();
    expect(await before(store)).toMatchObject({ retry: pendingJob(), next: [], failure: null });
    expect(store.items.get(job)).toMatchObject({
      state: 'WAITING',
      jobState: 'PENDING',
      attempt: 1,
      waitsFor: { error: 'GitLabUnavailableError', message: 'none', since: launchedAt, looks: 1 },
      live: 'live',
    });
    expect(store.items.get(job)).not.toHaveProperty('attemptBegun');
  });

  it('costs no attempt, however often it is met', async () => {
    const store = inMemoryRunnersStore();
    const retries: boolean[] = [];
    for (let time = 0; time < 5; time += 1) retries.push((await before(store)).retry !== null);
    expect(retries).toEqual([true, true, true, false, false]);
    expect(store.items.get(job)).toMatchObject({ attempt: 1, waitsFor: { looks: 5, since: launchedAt } });
    expect(store.items.get(job)).not.toHaveProperty('excusedAttempts');
  });

  it('waits with the job’s next attempt when the last one failed, and keeps what that died of', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'FAILED', attempt: 2, failure: 'HostLost: x' }));
    await before(store);
    expect(store.items.get(job)).toMatchObject({
      state: 'WAITING',
      attemptBegun: true,
      attempt: 2,
      failure: 'HostLost: x',
    });
    expect(store.items.get(job)).not.toHaveProperty('excusedAttempts');
  });

  it('waits with the job’s next attempt when its runner served another job, which counts for nothing', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'RELEASED', attempt: 2, takenJob: 'job#7#9' }));
    await before(store);
    expect(store.items.get(job)).toMatchObject({ state: 'WAITING', attemptBegun: true, excusedAttempts: 1 });
    expect(store.items.get(job)).not.toHaveProperty('takenJob');
  });

  it('gives no job its attempts back that has had them all', async () => {
    const store = inMemoryRunnersStore(runnerItem({ state: 'FAILED', attempt: 3 }));
    expect((await before(store)).retry).toBeNull();
    expect(store.items.get(job)).toEqual(runnerItem({ state: 'FAILED', attempt: 3 }));
  });

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'] as const)(
    'does nothing to a job whose runner is %s, thanks to another execution',
    async (state) => {
      const store = inMemoryRunnersStore(runnerItem({ state }));
      expect(await before(store)).toMatchObject({ retry: null });
      expect(store.items.get(job)).toEqual(runnerItem({ state }));
    },
  );

  it.each(['FAILED', 'RELEASED'] as const)('does nothing to a job that is over: %s', async (state) => {
    const over = runnerItem({ state, jobState: 'FINISHED' });
    const store = inMemoryRunnersStore(over);
    expect(await before(store)).toMatchObject({ retry: null });
    expect(store.items.get(job)).toEqual(over);
  });

  it('is nothing to anybody when not even the event is known', async () => {
    const store = inMemoryRunnersStore();
    expect(await before(store, { event: null })).toMatchObject({ retry: null });
    expect(store.items.size).toBe(0);
  });

  it('keeps what it writes down short', async () => {
    const store = inMemoryRunnersStore();
    await before(store, { cause: 'x'.repeat(100_000) });
    expect(store.items.get(job)?.waitsFor?.message.length).toBeLessThanOrEqual(1_000);
  });
});

describe('a held runner that gives way', () => {
  const waits = (message: string) => ({
    ...{ error: 'GitLabLimitError', message, since: launchedAt, lookAt: launchedAt, looks: 1 },
  });
  const limit = 'Maximum number of ci registered project runners (50) exceeded';
  const others = [
    runnerItem({ jobId: 9, state: 'WAITING', waitsFor: waits(limit) }),
    runnerItem({ jobId: 8, state: 'WAITING', waitsFor: waits(limit) }),
    runnerItem({ jobId: 7, state: 'WAITING', waitsFor: waits('Too many requests') }),
  ];

  it('lets the first job start that GitLab took no runner for', async () => {
    const one = await world({ state: 'LAUNCHED', gated: true }, ...others);
    const { next, failure } = await abandon(one, { error: 'NotItsTurnError' });
    expect(next).toMatchObject([{ jobId: 8 }]);
    expect(failure).toBeNull();
  });

  it('costs no attempt, also when it had its token and was paused', async () => {
    const one = await world({ state: 'LAUNCHED', gated: true, pausedAt: launchedAt });
    await abandon(one, { error: 'NotItsTurnError' });
    expect(one.store.items.get(job)).toMatchObject({ state: 'WAITING', excusedAttempts: 1 });
    expect(one.store.items.get(job)).not.toHaveProperty('pausedAt');
  });
});
