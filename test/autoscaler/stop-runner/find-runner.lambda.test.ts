import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { admitJob } from '../../../autoscaler/start-runner/admit-job.lambda.ts';
import { findRunner } from '../../../autoscaler/stop-runner/find-runner.lambda.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { choice, finishedJob, gitlabJob, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryReconcileStore } from '../../support/in-memory-reconcile-store.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

/** GitLab, in which every job has this status, on this runner; `asked` counts how often one was asked about. */
function gitlabWhereJobsAre(status: string | null, runnerId: number | null = null) {
  const asked: number[] = [];
  const readJob = async (_projectId: number, jobId: number) => {
    asked.push(jobId);
    return status === null ? null : gitlabJob({ id: jobId, status, runnerId });
  };
  return { readJob, asked };
}

function world(...items: readonly RunnerItem[]) {
  const store = inMemoryRunnersStore(...items);
  const find = async (changes: Partial<JobEvent> = {}) => {
    const event = finishedJob(changes);
    const jobs = gitlabWhereJobsAre(event.status, event.runnerId);
    const ports = { store, jobs, bus: inMemoryBus(), now: () => testStart };
    return (await findRunner(event, ports, lambdaContext())).runners;
  };
  return { store, find, item: (jobId: number) => store.items.get(`job#7#${jobId}`) };
}
const running = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({
    jobId,
    state: 'RUNNING',
    jobState: 'RUNNING',
    runnerId: 500 + jobId,
    takenJob: `job#7#${jobId}`,
    ...changes,
  });

describe('findRunner', () => {
  it('names the runner that the job leaves, by all that is needed to stop it', async () => {
    const { find } = world(running(1, { instanceId: 'i-1', attempt: 2 }));
    expect(await find({ runnerId: 501 })).toEqual([
      {
        job: 'job#7#1',
        attempt: 2,
        type: 'EC2',
        runnerId: 501,
        manager: null,
        instanceId: 'i-1',
        reason: 'its job is over',
        hadItsJob: true,
      },
    ]);
  });

  it('names what is not there as null, since undefined does not pass through a workflow', async () => {
    const { find } = world(runnerItem());
    expect(await find({ status: 'canceled' })).toMatchObject([{ runnerId: null, instanceId: null }]);
  });

  it('finds the runner in our own table when GitLab names none any more', async () => {
    expect(await world(running(1)).find({ runnerId: null })).toMatchObject([{ runnerId: 501 }]);
  });

  it('finds the runner that took the job when GitLab names none, though the job was never ours', async () => {
    const { find, item } = world(running(2, { takenJob: 'job#7#1' }));
    expect(await find({ runnerId: null })).toMatchObject([{ job: 'job#7#2', runnerId: 502 }]);
    // Whether it is, its start may not have said yet.
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
  });

  it('finds the runner that took the job, and the job’s own that nobody needs', async () => {
    const own = runnerItem({ state: 'LAUNCHED', runnerId: 501 });
    const { find } = world(own, running(2, { takenJob: 'job#7#1' }));
    const found = await find({ runnerId: 502 });
    expect(found.map(({ runnerId }) => runnerId).sort()).toEqual([501, 502]);
  });

  it('binds a runner of which nobody knew yet what it took: the job’s end is the first that is heard of it', async () => {
    const { find, item } = world(runnerItem({ jobId: 2, state: 'LAUNCHED', runnerId: 502 }));
    expect(await find({ runnerId: 502 })).toMatchObject([{ job: 'job#7#2', runnerId: 502 }]);
    expect(item(2)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#1', jobState: 'PENDING' });
  });

  it('does not bind a runner again that serves another job', async () => {
    const { find, item } = world(running(2));
    expect(await find({ runnerId: 502 })).toEqual([]);
    expect(item(2)).toEqual(running(2));
  });

  it('leaves other jobs’ runners alone when the job ran on its own', async () => {
    const { find } = world(running(1), running(2), runnerItem({ jobId: 3, state: 'LAUNCHED', runnerId: 503 }));
    expect(await find({ runnerId: 501 })).toMatchObject([{ runnerId: 501 }]);
  });

  it('notes that the job is over, and names the same runner to an event that comes twice', async () => {
    const { find, item } = world(running(1));
    const first = await find({ runnerId: 501 });
    expect(item(1)).toMatchObject({ state: 'RUNNING', jobState: 'FINISHED', live: 'live' });
    expect(await find({ runnerId: 501 })).toEqual(first);
  });

  it.each(['RELEASED', 'FAILED'] as const)('lets the item of a job go whose runner is %s', async (state) => {
    const { find, item } = world(runnerItem({ state }));
    expect(await find()).toEqual([]);
    expect(item(1)).not.toHaveProperty('live');
    expect(item(1)).toMatchObject({ jobState: 'FINISHED', expiresAt: testStart / 1_000 + 14 * 86_400 });
  });
});

describe('a job of which we know nothing', () => {
  it('is marked as over when it ended before it ran: its runner may just be chosen', async () => {
    const { store, find, item } = world();
    expect(await find({ status: 'canceled', runnerId: null })).toEqual([]);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED', expiresAt: testStart / 1_000 + 3_600 });
    expect(item(1)).not.toHaveProperty('live');
    const input = { event: pendingJob(), choice: choice(), execution: 'e' };
    const admitting = admitJob(
      input,
      { store, projects: inMemoryReconcileStore(store), bus: inMemoryBus(), maxAttempts: 3, now: () => testStart },
      lambdaContext(),
    );
    await expect(admitting).rejects.toMatchObject({ name: 'JobAlreadyAdmittedError' });
  });

  it('is marked as over when another job’s runner served it: its own start may just be under way, or failing', async () => {
    const { find, item } = world(running(2, { takenJob: 'job#7#1' }));
    expect(await find({ runnerId: 502 })).toMatchObject([{ runnerId: 502 }]);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
    expect(item(1)).not.toHaveProperty('live');
  });

  it('is left alone when it ran on somebody else’s runner', async () => {
    const { store, find } = world();
    expect(await find({ runnerId: 999 })).toEqual([]);
    expect(store.items.size).toBe(0);
  });

  it('may come twice, even at the same moment', async () => {
    const { find, item } = world();
    expect(await Promise.all([find({ runnerId: null }), find({ runnerId: null })])).toEqual([[], []]);
    expect(item(1)).toMatchObject({ jobState: 'FINISHED' });
  });
});

describe('a job that is said to be over before anybody said that it ran', () => {
  const place = { counter: 'cap#deployment', limit: 1 };
  const untold: readonly (readonly [string, readonly RunnerItem[], Partial<JobEvent>])[] = [
    ['of which we know nothing', [], { runnerId: null }],
    ['that waits for a place', [runnerItem({ state: 'WAITING', caps: [place] })], {}],
    ['whose runner is on its way', [runnerItem({ state: 'LAUNCHED', runnerId: 501 })], {}],
    [
      'that is said to have had the idle runner of another one',
      [runnerItem({ jobId: 2, state: 'LAUNCHED', runnerId: 502 })],
      { runnerId: 502 },
    ],
  ];
  async function find(status: string | null, items: readonly RunnerItem[], event: Partial<JobEvent>) {
    const store = inMemoryRunnersStore(...items);
    const jobs = gitlabWhereJobsAre(status, finishedJob(event).runnerId);
    const before = structuredClone(store.items);
    const found = findRunner(
      finishedJob(event),
      { store, jobs, bus: inMemoryBus(), now: () => testStart },
      lambdaContext(),
    );
    return { found: await found.catch((error: Error) => error.name), isAsTold: store.items, before, asked: jobs.asked };
  }

  it.each(untold)('keeps all that it has while GitLab says otherwise: one %s', async (_what, items, event) => {
    for (const status of ['created', 'pending', 'running', 'canceling']) {
      const { found, isAsTold, before } = await find(status, items, event);
      expect(found).toBe('JobNotOverError');
      expect(isAsTold).toEqual(before);
    }
  });

  it.each(untold)('is over when GitLab says so, or does not know it: one %s', async (_what, items, event) => {
    for (const status of ['canceled', 'failed', 'skipped', null]) {
      const { found, isAsTold } = await find(status, items, event);
      expect(found).not.toBe('JobNotOverError');
      // Of one without an item nothing is noted that may yet wait.
      const mayYetWait = (status === null || status === 'skipped') && !items.some(({ pk }) => pk === 'job#7#1');
      expect(isAsTold.get('job#7#1')?.jobState).toBe(mayYetWait ? undefined : 'FINISHED');
    }
  });

  it('is asked about also when it is known to have run, since anybody may say that it is over', async () => {
    for (const ran of [running(1), running(2, { takenJob: 'job#7#1' })]) {
      const { found, isAsTold, before } = await find('running', [ran], { runnerId: ran.runnerId ?? null });
      expect(found).toBe('JobNotOverError');
      expect(isAsTold).toEqual(before);
    }
  });

  it('is not asked about when neither it nor its runner is ours', async () => {
    expect((await find('running', [], { runnerId: 999 })).asked).toEqual([]);
  });
});

describe('a job that waits for a place', () => {
  const waiting = runnerItem({ state: 'WAITING', caps: [{ counter: 'cap#deployment', limit: 1 }] });

  it('leaves the queue, and gives no place back since it had none', async () => {
    const { store, find, item } = world(waiting);
    store.counters.set('cap#deployment', 1);
    expect(await find({ status: 'canceled' })).toEqual([]);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED', expiresAt: expect.any(Number) });
    expect(item(1)).not.toHaveProperty('live');
    expect(store.counters.get('cap#deployment')).toBe(1);
  });

  it('leaves it once, when its event comes twice', async () => {
    const { find, item } = world(waiting);
    await find({ status: 'canceled' });
    expect(await find({ status: 'canceled' })).toEqual([]);
    expect(item(1)).toMatchObject({ state: 'RELEASED' });
  });

  it('leaves it once, when its event comes twice at the same moment', async () => {
    const { find, item } = world(waiting);
    const both = await Promise.all([find({ status: 'canceled' }), find({ status: 'canceled' })]);
    expect(both).toEqual([[], []]);
    expect(item(1)).toMatchObject({ state: 'RELEASED' });
  });

  it('leaves it also when another runner of ours took the job, which then stops', async () => {
    const { find, item } = world(waiting, running(2, { takenJob: 'job#7#1' }));
    expect(await find({ runnerId: 502 })).toMatchObject([{ runnerId: 502 }]);
    expect(item(1)).toMatchObject({ state: 'RELEASED' });
  });
});

describe('a job that failed', () => {
  const interruptedAt = '2030-01-01T00:02:00Z';
  const failed = { status: 'failed', runnerId: 501, failureReason: 'runner_interrupted' } as const;
  async function mendAfter(event: Partial<JobEvent>, ...items: readonly RunnerItem[]) {
    const jobs = gitlabWhereJobsAre('failed', finishedJob({ ...failed, ...event }).runnerId);
    const ports = { store: inMemoryRunnersStore(...items), jobs, bus: inMemoryBus(), now: () => testStart };
    return (await findRunner(finishedJob({ ...failed, ...event }), ports, lambdaContext())).mend;
  }
  const served = { takenJob: 'job#7#1', profile: 'default', interruptedAt, runnerId: 501 };
  const mend = { job: 'job#7#1', attempt: 1, hostGone: false, served };
  const item = running(1, { interruptedAt });

  it.each(['runner_interrupted', 'runner_system_failure', null])(
    'for the reason %s on an instance that EC2 takes back is to be mended',
    async (failureReason) => {
      expect(await mendAfter({ failureReason }, item)).toEqual(mend);
    },
  );

  it.each([
    ['by its own script', { failureReason: 'script_failure' }, item],
    ['on an instance that EC2 does not take back', {}, running(1)],
    [
      'elsewhere, while its own runner was taken back',
      { runnerId: 999 },
      running(1, { interruptedAt, takenJob: 'job#7#2' }),
    ],
  ])('%s is not', async (_what, event, one) => {
    expect(await mendAfter(event, one)).toBeNull();
  });

  it('is to be mended with the runner of another job that had it, whoever GitLab still names', async () => {
    const other = running(2, { interruptedAt, takenJob: 'job#7#1', attempt: 3 });
    const expected = { ...mend, job: 'job#7#2', attempt: 3, served: { ...served, runnerId: 502 } };
    expect(await mendAfter({ runnerId: 502 }, other)).toEqual(expected);
    expect(await mendAfter({ runnerId: null }, other)).toEqual(expected);
  });

  it('is to be mended when its runner was stopped before anybody heard that it had a job', async () => {
    const stopped = runnerItem({ state: 'RELEASED', runnerId: 501, interruptedAt });
    expect(await mendAfter({}, stopped)).toEqual(mend);
    expect(await mendAfter({}, { ...stopped, takenJob: 'job#7#9' })).toBeNull();
  });
});

describe('a hook that is not true', () => {
  async function findWhere(
    truth: NonNullable<Parameters<typeof gitlabJob>[0]> | null,
    event: Partial<JobEvent>,
    item: RunnerItem,
  ) {
    const store = inMemoryRunnersStore(item);
    const jobs = { readJob: async (_: number, id: number) => truth && gitlabJob({ id, ...truth }) };
    const ports = { store, jobs, bus: inMemoryBus(), now: () => testStart };
    const { runners } = await findRunner(finishedJob(event), ports, lambdaContext());
    return { runners, item: store.items.get(item.pk) };
  }
  const idle = runnerItem({ jobId: 2, state: 'LAUNCHED', runnerId: 502 });

  it.each([
    ['ran elsewhere', { status: 'success', runnerId: 999 }],
    ['had no runner', { status: 'canceled', runnerId: null }],
    ['is none that GitLab knows in that project', null],
  ])('does not stop the idle runner that it names for a job that %s', async (_, truth) => {
    for (const projectId of [7, 8]) {
      expect(await findWhere(truth, { projectId, jobId: 9, runnerId: 502 }, idle)).toEqual({ runners: [], item: idle });
    }
  });

  it.each([
    ['that GitLab does not know, and may make tomorrow', null],
    ['that is skipped, and runs once a job before it is retried', { status: 'skipped', runnerId: null }],
  ])('keeps no job from its runner %s', async (_, truth) => {
    const store = inMemoryRunnersStore();
    const jobs = { readJob: async (_: number, id: number) => truth && gitlabJob({ id, ...truth }) };
    const ports = { store, jobs, bus: inMemoryBus(), now: () => testStart };
    await findRunner(finishedJob({ jobId: 9, status: 'canceled' }), ports, lambdaContext());
    expect(store.items.size).toBe(0);
  });

  it('stops nothing for a job of another project than it was proved for, although that is over', async () => {
    const truth = { status: 'success', runnerId: 502, projectPath: 'group/other' };
    const hook = { jobId: 2, runnerId: 502, projectPath: 'group/mine', provedFor: 'group/mine' };
    expect(await findWhere(truth, hook, idle)).toEqual({ runners: [], item: idle });
    const { runners } = await findWhere({ ...truth, projectPath: 'group/mine' }, hook, idle);
    expect(runners).toMatchObject([{ runnerId: 502 }]);
  });

  it('stops the runner that GitLab names, whichever the hook does', async () => {
    const truth = { status: 'success', runnerId: 502 };
    const { runners } = await findWhere(truth, { jobId: 9, runnerId: null }, idle);
    expect(runners).toMatchObject([{ runnerId: 502, hadItsJob: true }]);
  });
});
