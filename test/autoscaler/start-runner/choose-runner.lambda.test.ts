import { describe, expect, it } from 'vitest';
import type { Offer } from '../../../autoscaler/demand/choose-runner.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { chooseRunner } from '../../../autoscaler/start-runner/choose-runner.lambda.ts';
import type { NamedJob } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { allowedProjectsFilter } from '../../../infrastructure/kit/allowed-projects.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { gitlabJob, jobMapping, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

type Given = {
  readonly mappings?: readonly JobMapping[];
  readonly invalid?: readonly { readonly id: string; readonly faults: readonly string[] }[];
  readonly job?: NamedJob | null;
  readonly offer?: Partial<Offer>;
  readonly items?: readonly RunnerItem[];
  readonly event?: JobEvent;
  readonly allowedProjects?: readonly string[];
};

async function choose({
  mappings = [jobMapping()],
  invalid = [],
  job = gitlabJob(),
  offer = {},
  items = [],
  event = pendingJob(),
  allowedProjects = [],
}: Given = {}) {
  const store = inMemoryRunnersStore(...items);
  const context = lambdaContext();
  const forgotten: number[] = [];
  const asked: (readonly [number, number])[] = [];
  const ports = {
    gitlab: {
      async readJob(projectId: number, jobId: number) {
        asked.push([projectId, jobId]);
        return job;
      },
      isProtectedRef: async () => false,
    },
    store,
    bus: inMemoryBus(),
    now: () => testStart,
    isAllowed: allowedProjectsFilter(allowedProjects),
    projects: { forgetProject: async (projectId: number) => void forgotten.push(projectId) },
    mappings: { read: async () => ({ mappings, invalid }) },
    offer: {
      profiles: { default: { type: 'EC2', timeoutMinutes: 60 } },
      defaultRunner: { type: 'IGNORE' },
      ...offer,
    } as const,
  };
  return { decision: await chooseRunner(event, ports, context), asked, store, forgotten, lines: context.lines };
}

describe('a hook is not believed', () => {
  const event = pendingJob({
    jobName: 'build',
    projectPath: 'group/trusted',
    ref: 'main',
    stage: 'deploy',
    pipelineId: 1,
    occurredAt: '1970-01-01T00:00:00.000Z',
    failureReason: 'a word of its own',
  });
  const truth = { name: 'innocent', projectPath: 'group/other', ref: 'mine', stage: 'test', pipelineId: 51 };

  it('takes the name, the project’s path, the ref and the stage from GitLab, and passes these on', async () => {
    const { decision } = await choose({ event, job: gitlabJob(truth) });
    expect(decision).toMatchObject({
      decision: 'LAUNCH',
      event: {
        jobName: 'innocent',
        projectPath: 'group/other',
        ref: 'mine',
        stage: 'test',
        pipelineId: 51,
        failureReason: null,
        // It would be the first of all that wait.
        occurredAt: event.receivedAt,
      },
    });
  });

  it.each([
    ['project', jobMapping({ project: 'group/trusted' })],
    ['job name', jobMapping({ jobName: 'build' })],
  ])('does not give a row of another %s to a job that says it were that one', async (_, mapping) => {
    const { decision } = await choose({ event, job: gitlabJob(truth), mappings: [mapping] });
    expect(decision).toMatchObject({ decision: 'IGNORE' });
  });

  it('starts no job of another project than it was proved for, and lets that wait on', async () => {
    const proved = { ...event, projectPath: 'group/mine', provedFor: 'group/mine' };
    const waiting = runnerItem({ state: 'WAITING' });
    const { decision, store } = await choose({ event: proved, job: gitlabJob(truth), items: [waiting] });
    expect(decision).toMatchObject({ decision: 'IGNORE', reason: expect.stringContaining('group/mine') });
    expect(store.items.get('job#7#1')).toEqual(waiting);
  });

  it('starts a job of the project or group that it was proved for, and says no more of that', async () => {
    const proved = { ...event, provedFor: 'Group' };
    const { decision } = await choose({ event: proved, job: gitlabJob(truth) });
    expect(decision).toMatchObject({ decision: 'LAUNCH', event: { projectPath: 'group/other' } });
    expect(decision).not.toHaveProperty('event.provedFor');
  });

  it('leaves a waiting job in the queue whose row an untrue word does not name', async () => {
    const mappings = [jobMapping({ jobName: 'build' })];
    const waiting = runnerItem({ state: 'WAITING' });
    const { store } = await choose({ event: pendingJob({ jobName: 'nothing' }), mappings, items: [waiting] });
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'WAITING' });
  });
});

describe('allowedProjects', () => {
  const allowedProjects = ['group/*'];

  it('lets a job of an allowed project run, whatever the case of its letters', async () => {
    const { decision, forgotten } = await choose({ allowedProjects, job: gitlabJob({ projectPath: 'Group/App' }) });
    expect(decision).toMatchObject({ decision: 'LAUNCH' });
    expect(forgotten).toEqual([]);
  });

  it.each([
    ['moved away', 'elsewhere/project'],
    ['tells no path', null],
  ])(
    'does not start a job whose project %s, and forgets the project, whatever the event says',
    async (_, projectPath) => {
      const given = { allowedProjects, job: gitlabJob({ projectPath }) };
      const { decision, forgotten } = await choose(given);
      expect(decision).toMatchObject({ decision: 'IGNORE', reason: /allowedProjects/ });
      expect(forgotten).toEqual([7]);
    },
  );

  it('lets a job leave the queue whose project is not allowed any more', async () => {
    const items = [runnerItem({ state: 'WAITING' })];
    const { store } = await choose({ allowedProjects: ['other/**'], items });
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'RELEASED' });
  });

  it('holds for a job that runs in the place of another one', async () => {
    const items = [runnerItem({ jobId: 2, state: 'LAUNCHED', runnerId: 502 })];
    const job = gitlabJob({ status: 'running', runnerId: 502 });
    const { decision } = await choose({ allowedProjects: ['other/**'], items, job });
    expect(decision).toMatchObject({ decision: 'IGNORE', reason: /allowedProjects/ });
  });
});

describe('chooseRunner', () => {
  it('routes a pending job by its tags, which only GitLab knows', async () => {
    const { decision, asked } = await choose({
      mappings: [jobMapping({ tags: ['docker'] })],
      job: gitlabJob({ tags: ['docker'] }),
    });
    expect(decision).toMatchObject({ decision: 'LAUNCH', choice: { profile: 'default', tags: ['docker'] } });
    expect(asked).toEqual([[7, 1]]);
  });

  it('leaves a job alone whose tags fit no mapping', async () => {
    const { decision } = await choose({ mappings: [jobMapping({ tags: ['docker'] })] });
    expect(decision).toMatchObject({ decision: 'IGNORE' });
  });

  it('does not ask GitLab about a job that no mapping names', async () => {
    const { decision, asked } = await choose({ mappings: [jobMapping({ jobName: 'deploy' })] });
    expect(decision).toEqual({ decision: 'IGNORE', reason: 'no mapping names the job' });
    expect(asked).toEqual([]);
  });

  it('leaves a job alone that GitLab does not know any more', async () => {
    expect((await choose({ job: null })).decision).toMatchObject({ decision: 'IGNORE', reason: /does not exist/ });
  });

  it.each(['running', 'success', 'failed', 'canceling', 'canceled', 'skipped'])(
    'leaves a job alone that is %s by now',
    async (status) => {
      const { decision } = await choose({ job: gitlabJob({ status }) });
      expect(decision).toEqual({ decision: 'IGNORE', reason: `the job is ${status}` });
    },
  );

  it.each(['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'scheduled', 'manual'])(
    'asks again later when GitLab still says %s, since its answer lags behind its hook',
    async (status) => {
      await expect(choose({ job: gitlabJob({ status }) })).rejects.toMatchObject({ name: 'JobNotYetPendingError' });
    },
  );

  const statesBefore = ['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'scheduled', 'manual'];

  it.each([...statesBefore, 'skipped'])(
    'takes a hook that says %s for a reason to ask, no more and no less',
    async (status) => {
      const event = pendingJob({ status });
      expect((await choose({ event })).decision).toMatchObject({ decision: 'LAUNCH' });
      expect((await choose({ event, job: gitlabJob({ status: 'canceled' }) })).decision).toMatchObject({
        decision: 'IGNORE',
      });
    },
  );

  it.each([
    ['created', 'LOOK_AGAIN'],
    ['preparing', 'LOOK_AGAIN'],
    ['waiting_for_resource', 'LOOK_AGAIN'],
    ['waiting_for_callback', 'LOOK_AGAIN'],
    ['manual', 'IGNORE'],
    ['scheduled', 'IGNORE'],
    ['skipped', 'IGNORE'],
  ])('when GitLab as well says %s of a job that its hook called created, decides %s', async (status, decision) => {
    const given = { event: pendingJob({ status: 'created' }), job: gitlabJob({ status }) };
    expect((await choose(given)).decision).toMatchObject({ decision });
  });

  it.each<[string, Partial<RunnerItem>]>([
    ['has its runner', { state: 'REGISTERED' }],
    ['is being given one', { state: 'ADMITTED' }],
    ['runs', { state: 'RUNNING', jobState: 'RUNNING' }],
    ['is over', { state: 'RELEASED', jobState: 'FINISHED' }],
  ])('does not ask GitLab about a job that %s, when a hook says late that it was created', async (_what, item) => {
    const { decision, asked } = await choose({ event: pendingJob({ status: 'created' }), items: [runnerItem(item)] });
    expect(decision).toMatchObject({ decision: 'IGNORE' });
    expect(asked).toEqual([]);
  });

  it.each(['WAITING', 'FAILED', 'RELEASED'] as const)(
    'asks about one that waits, whose runner is %s',
    async (state) => {
      const given = { event: pendingJob({ status: 'created' }), items: [runnerItem({ state })] };
      expect((await choose(given)).decision).toMatchObject({ decision: 'LAUNCH' });
    },
  );

  it('asks about a job that is told as running by nobody in particular, if a mapping names it', async () => {
    const event = pendingJob({ status: 'running', runnerId: null });
    expect((await choose({ event })).decision).toMatchObject({ decision: 'LAUNCH' });
    expect((await choose({ event, mappings: [jobMapping({ jobName: 'deploy' })] })).asked).toEqual([]);
  });

  it('skips rows that cannot be read, names them in the log, and routes by the others', async () => {
    const row = { id: 'job#x tags#', faults: ['type: Invalid option'] };
    const { decision, lines } = await choose({ invalid: [row] });
    expect(decision).toMatchObject({ decision: 'LAUNCH' });
    expect(lines).toContainEqual(
      expect.objectContaining({ rows: [{ mapping: row.id, faults: row.faults }], InvalidMappings: 1 }),
    );
  });

  it('says in the log what was chosen, or why not', async () => {
    expect((await choose()).lines).toContainEqual(expect.objectContaining({ profile: 'default', type: 'EC2' }));
    expect((await choose({ job: null })).lines).toContainEqual(
      expect.objectContaining({ message: 'job ignored', reason: expect.stringContaining('does not exist') }),
    );
  });

  it('refuses a mapping to what was not deployed', async () => {
    const mappings = [jobMapping({ target: { type: 'EC2', profile: 'huge' } })];
    await expect(choose({ mappings })).rejects.toMatchObject({ name: 'MappingNotAllowedError' });
  });
});

describe('a job that took the runner of another one before it had one itself', () => {
  const ranOn = (runnerId: number) => gitlabJob({ status: 'running', runnerId });
  /** Job 2, whose runner took job 1. */
  const robbed = (changes: Partial<RunnerItem> = {}) =>
    runnerItem({
      jobId: 2,
      state: 'RUNNING',
      takenJob: 'job#7#1',
      runnerId: 502,
      profile: 'large',
      tags: ['x'],
      ...changes,
    });

  it('gives that one the runner that it would have got, where and as that one needs it', async () => {
    const { decision } = await choose({ job: ranOn(502), items: [robbed()] });
    expect(decision).toEqual({
      decision: 'LAUNCH',
      choice: expect.objectContaining({ profile: 'large', tags: ['x'], standIn: true }),
      event: expect.objectContaining({ jobName: 'build' }),
    });
  });

  it('does so also where nobody has noted yet who has the runner, and notes it', async () => {
    const { takenJob: _, ...idle } = robbed({ state: 'LAUNCHED' });
    const { decision, store } = await choose({ job: ranOn(502), items: [idle] });
    expect(decision).toMatchObject({ decision: 'LAUNCH', choice: { standIn: true } });
    expect(store.items.get('job#7#2')).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#1' });
  });

  it('does so also for a job that no mapping names, when it is told as running', async () => {
    const mappings = [jobMapping({ jobName: 'deploy' })];
    const given = { mappings, job: ranOn(502), items: [robbed()] };
    const event = pendingJob({ status: 'running', runnerId: 502 });
    expect((await choose({ ...given, event })).decision).toMatchObject({
      decision: 'LAUNCH',
    });
    expect((await choose(given)).decision).toMatchObject({ decision: 'IGNORE' });
  });

  it.each<[string, readonly RunnerItem[]]>([
    ['runs on its own runner', [robbed({ ...runnerItem(), state: 'RUNNING', takenJob: 'job#7#1', runnerId: 502 })]],
    ['runs on a runner of others', []],
    [
      'has a runner of its own on the way',
      [robbed(), runnerItem({ state: 'REGISTERED', jobState: 'RUNNING', tags: ['x'] })],
    ],
    ['took one that nobody misses, since its job is over', [robbed({ jobState: 'FINISHED' })]],
    ['took one that nobody misses, since its job runs elsewhere', [robbed({ jobState: 'RUNNING' })]],
  ])('is left alone when it %s', async (_, items) => {
    expect((await choose({ job: ranOn(502), items })).decision).toMatchObject({
      decision: 'IGNORE',
      reason: 'the job is running',
    });
  });
});
