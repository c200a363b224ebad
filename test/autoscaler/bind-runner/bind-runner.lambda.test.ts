import { describe, expect, it } from 'vitest';
import { type BindRunnerPorts, bindRunner } from '../../../autoscaler/bind-runner/bind-runner.lambda.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { gitlabJob, pendingJob, runnerItem, runningJob, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const bind = (event: Partial<JobEvent>, ...items: readonly RunnerItem[]) => bindWith({}, event, ...items);

async function bindWith(
  { findPlace = async () => null, jobs }: Partial<Pick<BindRunnerPorts, 'findPlace' | 'jobs'>>,
  event: Partial<JobEvent>,
  ...items: readonly RunnerItem[]
) {
  const store = inMemoryRunnersStore(...items);
  const context = lambdaContext();
  const bus = inMemoryBus();
  const take = (changes: Partial<JobEvent> = {}) =>
    bindRunner(
      runningJob({ ...event, ...changes }),
      { store, bus, findPlace, jobs: jobs ?? gitlabWhere({ ...event, ...changes }), now: () => testStart },
      context,
    );
  await take();
  return {
    item: (jobId: number) => store.items.get(`job#7#${jobId}`),
    again: take,
    told: bus.told,
    lines: context.lines,
  };
}
/** GitLab, which says of every job that this runner has it. */
function gitlabWhere({ runnerId = null }: Partial<JobEvent>): BindRunnerPorts['jobs'] {
  return { readJob: async (_, id) => gitlabJob({ id, status: 'running', runnerId }) };
}
const launched = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ jobId, state: 'LAUNCHED', runnerId: 500 + jobId, ...changes });

describe('bindRunner', () => {
  it.each(['REGISTERED', 'LAUNCHED'] as const)('binds a runner that is %s to the job that it took', async (state) => {
    const { item } = await bind({ runnerId: 501 }, launched(1, { state }));
    expect(item(1)).toMatchObject({
      state: 'RUNNING',
      jobState: 'RUNNING',
      takenJob: 'job#7#1',
      pickedUpAt: '2030-01-01T00:00:31.000Z',
    });
  });

  it('binds a runner to the job of another', async () => {
    const { item } = await bind({ jobId: 1, runnerId: 502 }, launched(1), launched(2));
    expect(item(1)).toEqual(launched(1, { jobState: 'RUNNING' }));
    expect(item(2)).toMatchObject({ state: 'RUNNING', jobState: 'PENDING', takenJob: 'job#7#1' });
  });

  it('binds a runner of ours to a job that is none', async () => {
    const { item } = await bind({ jobId: 9, runnerId: 501 }, launched(1));
    expect(item(1)).toMatchObject({ state: 'RUNNING', jobState: 'PENDING', takenJob: 'job#7#9' });
    expect(item(9)).toBeUndefined();
  });

  it('notes of a job on somebody else’s runner that it runs, and leaves its own runner as it is', async () => {
    const { item } = await bind({ runnerId: 999 }, launched(1));
    expect(item(1)).toEqual(launched(1, { jobState: 'RUNNING' }));
  });

  it('believes no event that names no runner: GitLab sends such for jobs that still wait', async () => {
    const { item } = await bind({ runnerId: null }, launched(1));
    expect(item(1)).toEqual(launched(1));
  });

  it('is not impressed by an event that comes twice', async () => {
    const { item, again } = await bind({ runnerId: 501 }, launched(1));
    const bound = item(1);
    await again({ occurredAt: '2030-01-01T00:09:00.000Z' });
    expect(item(1)).toEqual(bound);
  });

  it('stays with the first job of a runner', async () => {
    const { item, again } = await bind({ runnerId: 501 }, launched(1));
    await again({ jobId: 2 });
    expect(item(1)).toMatchObject({ takenJob: 'job#7#1' });
  });

  it.each(['STOPPING', 'RELEASED', 'FAILED'] as const)('comes too late for a runner that is %s', async (state) => {
    const ended = launched(1, { state, jobState: 'FINISHED' });
    const { item } = await bind({ runnerId: 501 }, ended);
    expect(item(1)).toEqual(ended);
  });

  it('does not let a job that is over run again', async () => {
    const { item } = await bind({ runnerId: 999 }, launched(1, { jobState: 'FINISHED' }));
    expect(item(1)).toEqual(launched(1, { jobState: 'FINISHED' }));
  });

  it('says in the log how long the job waited for its pick-up, from when GitLab called it pending', async () => {
    const { lines } = await bind({ runnerId: 501 }, launched(1));
    expect(lines).toContainEqual(expect.objectContaining({ message: 'runner bound', secondsToPickUp: 31 }));
  });

  it('lets a failing store fail it, so that the event comes again', async () => {
    const down = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    const store = inMemoryRunnersStore(launched(1, { jobState: 'RUNNING' }));
    const findPlace = async () => null;
    const failing = { ...store, write: () => Promise.reject(down) };
    const jobs = gitlabWhere({ runnerId: 501 });
    const ports = { store: failing, bus: inMemoryBus(), findPlace, jobs, now: () => testStart };
    await expect(bindRunner(runningJob({ runnerId: 501 }), ports, lambdaContext())).rejects.toBe(down);
  });
});

describe('a runner that took another job than its own', () => {
  const standInFor = (jobId: number, changes: Partial<JobEvent> = {}) => [
    ['Job Pending', { ...runningJob(), jobId, status: 'running', ...changes }],
  ];

  it('is replaced, in the name of the job that it took, when that one has no runner of its own', async () => {
    const { told } = await bind({ jobId: 9, runnerId: 501 }, launched(1));
    expect(told).toEqual(standInFor(9, { jobName: '', occurredAt: pendingJob().occurredAt, runnerId: 501 }));
  });

  it.each<[string, RunnerItem[]]>([
    ['the job that it took has a runner on its way', [launched(1), runnerItem({ jobId: 9 })]],
    ['another idle runner is left over', [launched(1), launched(3, { jobState: 'RUNNING' })]],
    ['its own job is over', [launched(1, { jobState: 'FINISHED' })]],
    ['its own job runs elsewhere', [launched(1, { jobState: 'RUNNING' })]],
  ])('is not replaced when %s', async (_, items) => {
    expect((await bind({ jobId: 9, runnerId: 501 }, ...items)).told).toEqual([]);
  });

  it('is replaced once an idle runner is gone that would not do', async () => {
    const idle = runnerItem({ jobId: 9, state: 'REGISTERED', attempt: 2 });
    const { told } = await bind({ jobId: 9, runnerId: 501 }, launched(1, { tags: ['large'] }), idle);
    expect(told).toEqual([
      ['Runner Unwanted', expect.objectContaining({ projectId: 7, jobId: 9, attempt: 2, force: false })],
    ]);
  });

  it('is replaced also when a first try could not tell the bus', async () => {
    const taken = launched(1, { state: 'RUNNING', takenJob: 'job#7#9' });
    expect((await bind({ jobId: 9, runnerId: 501 }, taken)).told).toHaveLength(1);
  });

  it('is not replaced for an event of a job that it did not take', async () => {
    const taken = launched(1, { state: 'RUNNING', takenJob: 'job#7#9' });
    expect((await bind({ jobId: 8, runnerId: 501 }, taken)).told).toEqual([]);
  });
});

describe('a job on a runner of another profile than its mapping names', () => {
  const ec2 = { type: 'EC2', profile: 'default', mapping: 'job#build tags#' } as const;
  const shell = { type: 'LAMBDA', profile: 'shell', mapping: 'job#lint tags#' } as const;
  const counted = ({ lines }: { readonly lines: readonly object[] }) =>
    lines.filter((line) => 'JobsMisplaced' in line).length;

  it('is noted on the runner’s item with where it should run, and counted once', async () => {
    const world = await bind({ jobId: 2, runnerId: 501 }, launched(1, shell), launched(2, ec2));
    expect(world.item(1)?.misplaced).toEqual({ job: 'job#7#2', ...ec2 });
    await world.again();
    expect(counted(world)).toBe(1);
    expect(world.lines).toContainEqual(
      expect.objectContaining({ JobsMisplaced: 1, ranOn: 'LAMBDA shell', shouldRunOn: 'EC2 default' }),
    );
  });

  it('is judged by the mappings where our table does not say it: jobs that are left to others are misplaced on any runner of ours', async () => {
    const findPlace = async () => ({ type: 'IGNORE', profile: null, mapping: null }) as const;
    const world = await bindWith({ findPlace }, { jobId: 9, runnerId: 501 }, launched(1, shell));
    expect(world.item(1)?.misplaced).toEqual({ job: 'job#7#9', type: 'IGNORE', profile: null, mapping: null });
    expect(counted(world)).toBe(1);
  });

  it('is not one that took a runner of its own profile, and neither is one of which nobody can tell', async () => {
    const alike = await bind({ jobId: 2, runnerId: 501 }, launched(1, ec2), launched(2, ec2));
    const unknown = await bind({ jobId: 9, runnerId: 501 }, launched(1, ec2));
    expect([alike.item(1)?.misplaced, unknown.item(1)?.misplaced]).toEqual([undefined, undefined]);
    expect(counted(alike) + counted(unknown)).toBe(0);
  });

  it('gets its own job another runner also when the mappings cannot be read, and its event comes again', async () => {
    const down = new Error('the table is down');
    const store = inMemoryRunnersStore(launched(1, shell));
    const bus = inMemoryBus();
    const jobs = gitlabWhere({ runnerId: 501 });
    const ports = { store, bus, jobs, findPlace: () => Promise.reject(down), now: () => testStart };
    await expect(bindRunner(runningJob({ jobId: 9, runnerId: 501 }), ports, lambdaContext())).rejects.toBe(down);
    expect(bus.told).toHaveLength(1);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#9' });
  });
});

describe('a hook that is not true', () => {
  const gitlabSays = (changes: Parameters<typeof gitlabJob>[0]) => ({
    jobs: { readJob: async (_: number, id: number) => gitlabJob({ id, ...changes }) },
  });
  const nobodyKnows = { jobs: { readJob: async () => null } };

  it('does not bind another project’s runner to a job, nor order a further one', async () => {
    const theirs = runnerItem({ jobId: 1, state: 'LAUNCHED', runnerId: 501 });
    const { item, told } = await bindWith(nobodyKnows, { projectId: 8, jobId: 9, runnerId: 501 }, theirs);
    expect(item(1)).toEqual(theirs);
    expect(told).toEqual([]);
  });

  it.each([
    ['still waits', { status: 'pending', runnerId: null }],
    ['runs on somebody else’s runner', { status: 'running', runnerId: 999 }],
  ])('does not bind the runner of one job to another that %s', async (_, truth) => {
    const { item, told } = await bindWith(gitlabSays(truth), { jobId: 2, runnerId: 501 }, launched(1), launched(2));
    expect(item(1)).toEqual(launched(1));
    expect(told).toEqual([]);
  });

  it('binds the runner that GitLab names, whichever the hook does', async () => {
    const truth = gitlabSays({ status: 'running', runnerId: 503 });
    const { item } = await bindWith(truth, { jobId: 2, runnerId: 501 }, launched(1), launched(2), launched(3));
    expect(item(1)).toEqual(launched(1));
    expect(item(3)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
  });

  it.each([
    ['its own runner', 501],
    ['a runner of nobody’s', 999],
  ])('binds no job of another project than it was proved for to %s', async (_, runnerId) => {
    const truth = gitlabSays({ status: 'running', runnerId, projectPath: 'group/other' });
    const hook = { provedFor: 'group/mine', projectPath: 'group/mine', runnerId };
    const { item, told } = await bindWith(truth, hook, launched(1));
    expect(item(1)).toEqual(launched(1));
    expect(told).toEqual([]);
  });

  it('binds a job of the project that it was proved for, whose path GitLab tells', async () => {
    const truth = gitlabSays({ status: 'running', runnerId: 501, projectPath: 'Group/Mine' });
    const { item } = await bindWith(truth, { provedFor: 'group', runnerId: 501 }, launched(1));
    expect(item(1)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#1' });
  });

  it('does not note that a job runs elsewhere which waits', async () => {
    const { item } = await bindWith(gitlabSays({ status: 'pending' }), { runnerId: 999 }, launched(1));
    expect(item(1)).toEqual(launched(1));
  });

  it.each<[string, Partial<RunnerItem>]>([
    ['has no host yet', { state: 'REGISTERED' }],
    ['may ask in its turn only', { gated: true }],
    ['runs a job for which others wait', { awaited: true }],
    ['failed, and its job waits for the next', { state: 'FAILED' }],
    ['was said to have it before', { unbound: true }],
  ])('is asked about where the runner of the job %s', async (_, changes) => {
    const { item } = await bindWith(gitlabSays({ status: 'pending' }), { runnerId: 501 }, launched(1, changes));
    expect(item(1)).toEqual(launched(1, changes));
  });

  it.each([
    ['long ago', '2001-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'],
    ['far ahead', '2099-01-01T00:00:00.000Z', new Date(testStart).toISOString()],
  ])('does not say since when a runner has its job: %s', async (_, occurredAt, pickedUpAt) => {
    const launchedAt = '2030-01-01T00:00:00.000Z';
    const { item } = await bind({ runnerId: 501, occurredAt }, launched(1, { launchedAt }));
    expect(item(1)).toMatchObject({ state: 'RUNNING', pickedUpAt });
  });

  const believed = launched(1, { state: 'RUNNING', jobState: 'RUNNING', takenJob: 'job#7#1' });
  const where = (truth: Readonly<Record<number, Parameters<typeof gitlabJob>[0]>>) => ({
    jobs: { readJob: async (_: number, id: number) => gitlabJob({ id, ...truth[id] }) },
  });

  it('is undone as soon as GitLab says that the runner has another job: its own one gets the next', async () => {
    const truth = where({ 1: { status: 'pending' }, 2: { status: 'running', runnerId: 501 } });
    const { item, told } = await bindWith(truth, { jobId: 2, runnerId: 501 }, believed);
    expect(item(1)).toMatchObject({ state: 'RUNNING', jobState: 'PENDING', takenJob: 'job#7#2' });
    expect(told).toMatchObject([['Job Pending', { jobId: 2, runnerId: 501 }]]);
  });

  it('is undone as soon as GitLab says that the job runs elsewhere: its own runner is free', async () => {
    const truth = where({ 1: { status: 'running', runnerId: 999 } });
    const { item } = await bindWith(truth, { jobId: 1, runnerId: 999 }, believed);
    expect(item(1)).toEqual(launched(1, { jobState: 'RUNNING', unbound: true }));
  });

  it('is not what a runner said that has its own job', async () => {
    const truth = where({ 1: { status: 'running', runnerId: 501 }, 2: { status: 'running', runnerId: 501 } });
    const { item } = await bindWith(truth, { jobId: 2, runnerId: 501 }, believed);
    expect(item(1)).toEqual(believed);
  });

  it('costs GitLab no call when it is about a job and its own runner, or about nothing of ours', async () => {
    const jobs = { readJob: () => Promise.reject(new Error('asked GitLab')) };
    await bindWith({ jobs }, { runnerId: 501 }, launched(1));
    await bindWith({ jobs }, { jobId: 9, runnerId: 999 }, launched(1));
  });
});
