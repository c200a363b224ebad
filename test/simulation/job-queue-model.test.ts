import { beforeEach, describe, expect, it } from 'vitest';
import { testStart } from '../support/builders.ts';
import { createFaults } from './faults.ts';
import { createGitLabModel, type GitLabModel } from './gitlab-model.ts';
import { type FaultKind, type PlannedJob, projectIds } from './schedule.ts';
import type { SimulatedJob } from './simulated-job.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

let time: VirtualTime;
let gitlab: GitLabModel;
let passedOver: number[];

function startGitLab(longPolls: boolean, faults: readonly FaultKind[] = []): void {
  time = createVirtualTime(testStart);
  passedOver = [];
  gitlab = createGitLabModel({
    time,
    faults: createFaults(
      faults.map((fault, index) => ({ index, ...fault })),
      () => (time.now() - testStart) / 1_000,
    ),
    cancelsAtOnce: true,
    longPolls,
    onHook: () => {},
    onStuck: () => {},
    onMeddling: () => {},
    onPassedOver: ({ id }) => passedOver.push(id),
    onRetry: () => {},
    onCancelByUs: () => {},
  });
}

beforeEach(() => startGitLab(true));

let plans = 0;
function newJob(plan: Partial<PlannedJob> = {}): SimulatedJob {
  plans += 1;
  return gitlab.create({
    index: plans,
    projectId: projectIds[0],
    name: 'build',
    tags: ['aws'],
    createdAt: 0,
    pendingAt: 0,
    durationSeconds: 60,
    result: 'success',
    canceledAt: null,
    retried: false,
    ...plan,
  });
}

function pendingJob(plan: Partial<PlannedJob> = {}): SimulatedJob {
  const job = newJob(plan);
  gitlab.begin(job);
  return job;
}

async function newRunner(tags: readonly string[] = ['aws']) {
  return gitlab.api.createRunner({
    projectId: projectIds[0],
    description: '',
    maintenanceNote: '',
    tags,
    maximumTimeoutSeconds: 600,
  });
}

/** The ids of the jobs that runners got, which asked one after the other at the same moment. */
async function askAll(...tokens: readonly string[]): Promise<(number | string)[]> {
  const answers = await Promise.all(tokens.map((token) => gitlab.request({ token })));
  return answers.map(({ got }) => (typeof got === 'object' ? got.id : got));
}

function pass(seconds: number): Promise<void> {
  let hasPassed = false;
  time.after(seconds * 1_000, () => {
    hasPassed = true;
  });
  return time.run(Number.POSITIVE_INFINITY, () => hasPassed);
}

const secondsGone = () => (time.now() - testStart) / 1_000;

describe('a runner that asks', () => {
  it('gets the job with the lowest id that fits, however late that became pending', async () => {
    const { token } = await newRunner();
    const late = newJob();
    newJob();
    pendingJob({ tags: ['other'] });
    pendingJob();
    await pass(10);
    gitlab.begin(late);
    expect(await askAll(token)).toEqual([late.id]);
  });

  it('at the same moment as another gets the next one', async () => {
    const [first, second, third] = [await newRunner(), await newRunner(), await newRunner()];
    const jobs = [pendingJob(), pendingJob()];
    expect(await askAll(first.token, second.token, third.token)).toEqual([jobs[0]?.id, jobs[1]?.id, 'nothing']);
  });

  it('gets the next one within the same request when the first is locked or dropped', async () => {
    startGitLab(true, [
      { kind: 'candidate-passed-over', nth: 1, how: 'locked' },
      { kind: 'candidate-passed-over', nth: 2, how: 'dropped' },
    ]);
    const { token } = await newRunner();
    const [locked, dropped, third] = [pendingJob(), pendingJob(), pendingJob()];
    expect(await askAll(token)).toEqual([third.id]);
    expect(passedOver).toEqual([locked.id, dropped.id]);
    expect([locked.status, dropped.status]).toEqual(['pending', 'failed']);
  });

  it('gets nothing while it is paused', async () => {
    const { runnerId, token } = await newRunner();
    const job = pendingJob();
    await gitlab.api.pauseRunner(runnerId);
    expect(await askAll(token)).toEqual(['nothing']);
    await gitlab.api.unpauseRunner(runnerId);
    expect(await askAll(token)).toEqual([job.id]);
  });
});

describe('a runner that was told before that there is nothing', () => {
  const seenOf = async (token: string) => (await gitlab.request({ token })).seen;

  it.each(['a job that fits becomes pending', 'it is unpaused'])('is held until %s, and gets it next', async (what) => {
    const { runnerId, token } = await newRunner();
    if (what === 'it is unpaused') {
      await gitlab.api.pauseRunner(runnerId);
      pendingJob();
    }
    const seen = await seenOf(token);
    time.after(20_000, () => {
      if (what === 'it is unpaused') void gitlab.api.unpauseRunner(runnerId);
      else pendingJob();
    });
    let heldFor: number | undefined;
    void gitlab.request({ token, seen }).then(({ got }) => {
      expect(got).toBe('nothing');
      heldFor = secondsGone();
    });
    await pass(40);
    expect(heldFor).toBe(20);
    expect((await gitlab.request({ token, seen })).got).toMatchObject({ status: 'running' });
  });

  it('is held for 50 s when there is no news, or only such as does not fit', async () => {
    const { token } = await newRunner();
    const seen = await seenOf(token);
    time.after(20_000, () => pendingJob({ tags: ['other'] }));
    let heldFor: number | undefined;
    void gitlab.request({ token, seen }).then(() => {
      heldFor = secondsGone();
    });
    await pass(100);
    expect(heldFor).toBe(50);
  });

  it('is answered at once where GitLab does not hold requests', async () => {
    startGitLab(false);
    const { token } = await newRunner();
    const seen = await seenOf(token);
    expect((await gitlab.request({ token, seen })).got).toBe('nothing');
    expect(secondsGone()).toBe(0);
  });
});

describe('a replica that stands still', () => {
  it('calls a job created that is pending, and lists one that was taken', async () => {
    startGitLab(true, [{ kind: 'gitlab-lagging', from: 10, seconds: 3 }]);
    const { token } = await newRunner();
    const taken = pendingJob();
    const late = newJob();
    await pass(11);
    gitlab.begin(late);
    expect(await askAll(token)).toEqual([taken.id]);
    const listed = async () => (await gitlab.api.pendingJobs(projectIds[0])).map(({ id }) => id);
    const told = async () => (await gitlab.api.readJob(projectIds[0], late.id))?.status;
    expect([await listed(), await told()]).toEqual([[taken.id], 'created']);
    await pass(3);
    expect([await listed(), await told()]).toEqual([[late.id], 'pending']);
  });
});

describe('a job of a pipeline', () => {
  const run = async (job: SimulatedJob) => {
    const { token } = await newRunner(job.plan.tags);
    await askAll(token);
    gitlab.report(job, 'success');
  };

  it('becomes pending when all that it comes after is over', async () => {
    const before = [pendingJob({ tags: ['one'] }), pendingJob({ tags: ['two'] })] as const;
    const next = newJob({ after: before.map(({ plan }) => plan.index) });
    await run(before[0]);
    await pass(10);
    expect(next.status).toBe('created');
    gitlab.cancel(before[1]);
    await pass(10);
    expect(next.status).toBe('pending');
  });

  it.each(['manual', 'scheduled'] as const)('that is %s becomes pending later, unless it is canceled', async (as) => {
    const [job, canceled] = [pendingJob({ held: { as, seconds: 30 } }), pendingJob({ held: { as, seconds: 30 } })];
    await pass(20);
    gitlab.cancel(canceled);
    expect(job.status).toBe(as);
    await pass(20);
    expect([job.status, canceled.status]).toEqual(['pending', 'canceled']);
  });

  it('waits for its resource group, of which the lowest id is the next', async () => {
    const [first, second, third] = [1, 2, 3].map(() => pendingJob({ resourceGroup: 'production' })) as [
      SimulatedJob,
      SimulatedJob,
      SimulatedJob,
    ];
    expect([second.status, third.status]).toEqual(['waiting_for_resource', 'waiting_for_resource']);
    await run(first);
    await pass(10);
    expect([second.status, third.status]).toEqual(['pending', 'waiting_for_resource']);
  });

  it('is retried by its user as a new job, for which the next ones wait', async () => {
    const failed = pendingJob({ tags: ['one'], retriedAfterSeconds: 0.1 });
    const next = newJob({ tags: ['two'], after: [failed.plan.index] });
    const { token } = await newRunner(['one']);
    await askAll(token);
    gitlab.report(failed, 'failed');
    await pass(10);
    expect(failed.retriedAs).toMatchObject({ status: 'pending' });
    expect(failed.retriedAs?.id).toBeGreaterThan(next.id);
    expect(next.status).toBe('created');
  });
});
