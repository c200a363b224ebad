import { describe, expect, it } from 'vitest';
import { GitLabRefusedError, GitLabUnavailableError } from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { finishedJob, jobMapping, runnerItem } from '../../support/builders.ts';
import { tokenWord } from '../../support/in-memory-gitlab.ts';
import type { Execution } from '../../support/state-machine.ts';
import { untakenCatchers } from '../../support/state-machine-checks.ts';
import { StateError } from '../../support/state-machine-errors.ts';
import { definitionFromTemplate } from '../../support/state-machine-template.ts';
import { autoscalerTemplate } from '../autoscaler-template.ts';
import { autoscalerWorld, type Trouble, type WorldOptions } from '../autoscaler-world.ts';

const template = autoscalerTemplate();
const definition = definitionFromTemplate(template, 'StopRunner');
const startDefinition = definitionFromTemplate(template, 'StartRunner');
const executions: Execution[] = [];
const nothing = { runners: [], instances: [], tickets: [], places: [] };

function world(options: WorldOptions = {}) {
  const inner = autoscalerWorld({ offer: { maxConcurrent: 9 }, ...options });
  return {
    ...inner,
    /** Gives jobs their runners, down to their instances. */
    async start(...jobIds: readonly number[]) {
      for (const jobId of jobIds) await inner.run(startDefinition, inner.pend(jobId), {}, `start ${jobId}`);
      await inner.launch();
    },
    async stop(event: ReturnType<typeof finishedJob>, troubles: Readonly<Record<string, Trouble>> = {}) {
      const execution = await inner.run(definition, event, troubles);
      executions.push(execution);
      return execution;
    },
    runnerOf: (jobId: number) => inner.item(jobId)?.runnerId ?? 0,
  };
}

/**
 * Two jobs of the same tags that are mapped to different profiles, of which the function gets the one of the instance.
 */
async function worldOfMisplacedJob(options: WorldOptions = {}) {
  const mappings = [
    jobMapping({ jobName: 'build', exact: 'off' }),
    jobMapping({ jobName: 'lint', target: { type: 'LAMBDA', profile: 'shell' }, exact: 'off' }),
  ];
  const inner = world({ mappings, ...options });
  await inner.start(1);
  const lint = { ...inner.pend(2), jobName: 'lint' };
  inner.gitlab.setJob({ id: 2, name: 'lint' });
  await inner.run(startDefinition, lint, {}, 'start 2');
  expect(await inner.pickUp(inner.runnerOf(2))).toBe(1);
  const statuses = () => Object.fromEntries([...inner.gitlab.jobs].map(([id, { status }]) => [id, status]));
  return { ...inner, statuses };
}
const down = new GitLabUnavailableError('no answer');

describe('a finished job', () => {
  it.each(['success', 'failed', 'canceled'])('leaves nothing: %s', async (status) => {
    const { start, stop, pickUp, finish, leftovers, item, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    expect(await stop(finish(1, status))).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
  });

  it('leaves nothing either when it ran on a Lambda', async () => {
    const mappings = [jobMapping({ target: { type: 'LAMBDA', profile: 'shell' } })];
    const { start, stop, pickUp, finish, leftovers, runnerOf } = world({ mappings });
    await start(1);
    await pickUp(runnerOf(1));
    expect(await stop(finish(1))).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
  });

  it('terminates its instance even when the runner is already gone from GitLab', async () => {
    const { start, stop, pickUp, finish, leftovers, gitlab, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    const event = finish(1);
    gitlab.runners.clear();
    expect(await stop(event)).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
  });

  it('that failed on a runner of another profile is retried once, where its own profile says so', async () => {
    const { stop, finish, statuses, marks } = await worldOfMisplacedJob({ misplacedRetriedProfiles: ['default'] });
    await stop(finish(1, 'failed'));
    expect(statuses()).toEqual({ 1: 'failed', 2: 'pending', 3: 'pending' });
    await stop(finish(1, 'failed'));
    expect(statuses()).toEqual({ 1: 'failed', 2: 'pending', 3: 'pending' });
    // Its retry has spot capacity like any other job.
    expect(await marks.claim({ projectId: 7, jobId: 3, pipelineId: 50, jobName: 'build' })).toBe(false);
  });

  it.each<[string, WorldOptions, string]>([
    ['when only the other profile says so', { misplacedRetriedProfiles: ['shell'] }, 'failed'],
    ['when it succeeded there', { misplacedRetriedProfiles: ['default'] }, 'success'],
    ['when somebody canceled it', { misplacedRetriedProfiles: ['default'] }, 'canceled'],
  ])('on a runner of another profile is not retried %s', async (_, options, status) => {
    const { stop, finish, statuses } = await worldOfMisplacedJob(options);
    await stop(finish(1, status));
    expect(statuses()).toEqual({ 1: status, 2: 'pending' });
  });

  it('whose event comes twice stops its runner once', async () => {
    const { start, stop, pickUp, finish, leftovers, runnerOf, store } = world();
    await start(1, 2);
    await pickUp(runnerOf(1));
    await stop(finish(1));
    expect(await stop(finish(1))).toMatchObject({ status: 'SUCCEEDED' });
    expect(store.counters.get('cap#deployment')).toBe(1);
    expect(leftovers().instances).toEqual(['i-0002']);
  });

  it('that was never ours ends at once', async () => {
    const { stop } = world();
    const execution = await stop(finishedJob({ jobId: 5, runnerId: 999 }));
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      visited: ['FindRunner', 'StopEach', 'MayNeedMending', 'AllStopped', 'Stopped'],
    });
  });

  it('that waits in truth keeps its runner, after GitLab was asked several times', async () => {
    const { start, stop, item, leftovers } = world();
    await start(1);
    const execution = await stop(finishedJob({ status: 'canceled' }));
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      visited: ['FindRunner', 'NotOver'],
      retries: { length: 3 },
    });
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', jobState: 'PENDING' });
    expect(leftovers()).toMatchObject({ instances: ['i-0001'], runners: [expect.any(Number)] });
  });

  it('that GitLab calls over a moment later leaves nothing', async () => {
    const { start, stop, gitlab, leftovers } = world();
    await start(1);
    const { readJob } = gitlab;
    gitlab.readJob = async (projectId, jobId) => {
      const job = await readJob(projectId, jobId);
      gitlab.setJob({ id: jobId, status: 'canceled' });
      return job;
    };
    const execution = await stop(finishedJob({ status: 'canceled' }));
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: { length: 1 } });
    expect(leftovers()).toEqual(nothing);
  });

  it('that took another job’s runner leaves that job its own', async () => {
    const { start, stop, pickUp, finish, leftovers, item, runnerOf } = world();
    await start(1, 2);
    const [one, two] = [runnerOf(1), runnerOf(2)];
    expect(await pickUp(two)).toBe(1);
    await stop(finish(1));
    expect(leftovers()).toMatchObject({ runners: [one], instances: ['i-0001'] });
    expect(item(1)).toMatchObject({ state: 'LAUNCHED' });
    expect(item(2)).toMatchObject({ state: 'RELEASED', jobState: 'PENDING', live: 'live' });
    expect(await pickUp(one)).toBe(2);
    await stop(finish(2));
    expect(leftovers()).toEqual(nothing);
  });

  it('stops both runners when the other job needs none any more', async () => {
    const { start, stop, pickUp, finish, leftovers, runnerOf } = world();
    await start(1, 2);
    await pickUp(runnerOf(2));
    await stop(finish(2, 'canceled'));
    const last = await stop(finish(1));
    expect(last.visited.filter((state) => state === 'DrainRunner').length).toBeGreaterThan(0);
    expect(leftovers()).toEqual(nothing);
  });

  it('lets the job that waited for its place start', async () => {
    const { start, stop, pickUp, finish, events, runnerOf } = world({ offer: { maxConcurrent: 1 } });
    await start(1, 2, 3);
    await pickUp(runnerOf(1));
    await stop(finish(1));
    expect(events).toMatchObject([{ type: 'Job Pending', detail: { jobId: 2, status: 'pending' } }]);
  });
});

describe('a job that was canceled while it waited', () => {
  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const)('leaves nothing of its runner that is %s', async (state) => {
    const { run, pend, launch, stop, finish, leftovers, gitlab, store } = world();
    const event = pend(1);
    if (state === 'ADMITTED') {
      const create = gitlab.createRunner;
      gitlab.createRunner = async (runner) => {
        const created = await create(runner);
        await stop(finish(1, 'canceled'));
        return created;
      };
    }
    await run(startDefinition, event, {}, 'start');
    if (state === 'LAUNCHED') await launch();
    if (state !== 'ADMITTED') await stop(finish(1, 'canceled'));
    await launch();
    expect(leftovers()).toEqual(nothing);
    expect(store.items.get('job#7#1')).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
  });

  it('leaves nothing when its runner was registered between the find and the drain', async () => {
    const { run, pend, stop, finish, leftovers, gitlab, item } = world();
    const [created, mayAnswer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const create = gitlab.createRunner;
    gitlab.createRunner = async (runner) => {
      const answer = await create(runner);
      created.resolve();
      await mayAnswer.promise;
      return answer;
    };
    const starting = run(startDefinition, pend(1), {}, 'start');
    await created.promise;
    const registered = () => {
      mayAnswer.resolve();
      return starting;
    };
    await stop(finish(1, 'canceled'), { DrainRunner: { meanwhile: registered } });
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
    expect(leftovers()).toEqual(nothing);
  });
});

describe('a runner that took a job in the last moment', () => {
  it('is kept with its host, and ends with that job', async () => {
    const { start, stop, pickUp, finish, leftovers, gitlab, item, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    const event = finish(1);
    gitlab.setJob({ id: 9, status: 'pending' });
    gitlab.giveJobTo(runnerOf(1));
    const execution = await stop(event);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', visited: expect.arrayContaining(['RunnerKept']) });
    expect(leftovers()).toMatchObject({ runners: [runnerOf(1)], instances: ['i-0001'] });
    expect(item(1)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#9' });
    await stop(finish(9));
    expect(leftovers()).toEqual(nothing);
  });
});

describe('passing trouble', () => {
  const states = ['FindRunner', 'DrainRunner', 'UnregisterRunner', 'TerminateInstance', 'ReleaseRunner'];

  it.each(states)('is tried again at %s, and nothing is left', async (state) => {
    const { start, stop, pickUp, finish, leftovers, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    const busy = new StateError('Lambda.TooManyRequestsException', 'busy');
    const execution = await stop(finish(1), { [state]: { error: busy, times: 3 } });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: { length: 3 } });
    expect(leftovers()).toEqual(nothing);
  });

  it.each(states)('that hides the answer of %s, which was done, leaves nothing and wakes who waits', async (state) => {
    const { start, stop, pickUp, finish, leftovers, runnerOf, events } = world({ offer: { maxConcurrent: 1 } });
    await start(1, 2);
    await pickUp(runnerOf(1));
    const lost = new StateError('Lambda.Unknown', 'lost');
    await stop(finish(1), { [state]: { error: lost, times: 2, afterwards: true } });
    expect(leftovers()).toEqual(nothing);
    expect(events).toMatchObject([{ detail: { jobId: 2 } }]);
  });

  it.each(['RequestLimitExceeded', 'Unavailable', 'InternalError', 'ServiceUnavailable'])(
    'of EC2 is tried again at TerminateInstance: %s',
    async (name) => {
      const { start, stop, pickUp, finish, leftovers, runnerOf } = world();
      await start(1);
      await pickUp(runnerOf(1));
      const busy = Object.assign(new Error('slow down'), { name });
      expect(await stop(finish(1), { TerminateInstance: { error: busy, times: 1 } })).toMatchObject({
        status: 'SUCCEEDED',
      });
      expect(leftovers()).toEqual(nothing);
    },
  );
});

describe('a failure that lasts', () => {
  const lasting = new StateError('States.TaskFailed', 'it does not work');

  it('of FindRunner fails the execution with what happened', async () => {
    const { stop } = world();
    expect(await stop(finishedJob(), { FindRunner: { error: lasting } })).toMatchObject({
      status: 'FAILED',
      error: 'States.TaskFailed',
      cause: 'it does not work',
    });
  });

  it.each(['DrainRunner', 'TerminateInstance', 'ReleaseRunner'])(
    'of %s shows, and its item can be stopped later',
    async (state) => {
      const { start, stop, pickUp, finish, leftovers, runnerOf } = world();
      await start(1);
      await pickUp(runnerOf(1));
      const event = finish(1);
      const execution = await stop(event, { [state]: { error: lasting } });
      expect(execution).toMatchObject({ status: 'FAILED', error: 'StopIncomplete' });
      expect(execution.cause).toContain('it does not work');
      expect(await stop(event)).toMatchObject({ status: 'SUCCEEDED' });
      expect(leftovers()).toEqual(nothing);
    },
  );

  it('of GitLab does not keep the instance, which costs money; the item stays to be stopped again', async () => {
    const { start, stop, pickUp, finish, leftovers, item, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    const event = finish(1);
    const execution = await stop(event, { UnregisterRunner: { error: new GitLabRefusedError('403') } });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'StopIncomplete' });
    expect(leftovers()).toMatchObject({ runners: [runnerOf(1)], instances: [] });
    expect(item(1)).toMatchObject({ state: 'STOPPING' });
    expect(await stop(event)).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual(nothing);
  });

  it('of one runner does not keep the others', async () => {
    const { stop, store, gitlab, leftovers } = world();
    const runner = { description: '', maintenanceNote: '', projectId: 7, tags: [], maximumTimeoutSeconds: 600 };
    for (const jobId of [1, 2, 3]) {
      const { runnerId } = await gitlab.createRunner(runner);
      const item = runnerItem({ jobId, state: 'RUNNING', jobState: 'RUNNING', takenJob: 'job#7#9', runnerId });
      store.items.set(item.pk, item);
    }
    const execution = await stop(finishedJob({ jobId: 9, runnerId: 101 }), {
      UnregisterRunner: { error: down, times: 4 },
    });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'StopIncomplete' });
    expect(leftovers().runners).toHaveLength(1);
  });

  it('of the bus, when a job is to be woken, does not end the loop in which other runners stop', async () => {
    const { start, stop, pickUp, finish, leftovers, runnerOf } = world({ offer: { maxConcurrent: 1 } });
    await start(1, 2);
    await pickUp(runnerOf(1));
    const failedEntry = new StateError('EventBridge.FailedEntry', 'busy');
    const execution = await stop(finish(1), { StartNextJobsEvent: { error: failedEntry } });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'StopIncomplete' });
    expect(leftovers()).toEqual(nothing);
  });

  it('of the bus that passes wakes the job all the same', async () => {
    const { start, stop, pickUp, finish, events, runnerOf } = world({ offer: { maxConcurrent: 1 } });
    await start(1, 2);
    await pickUp(runnerOf(1));
    const failedEntry = new StateError('EventBridge.FailedEntry', 'busy');
    await stop(finish(1), { StartNextJobsEvent: { error: failedEntry, times: 2 } });
    expect(events).toMatchObject([{ detail: { jobId: 2 } }]);
  });

  it('in the mending of its interrupted job shows, and nothing is left nevertheless', async () => {
    const { start, stop, pickUp, finish, leftovers, store, item, runnerOf } = world();
    await start(1);
    await pickUp(runnerOf(1));
    const taken = item(1);
    if (taken) store.items.set(taken.pk, { ...taken, interruptedAt: '2030-01-01T00:02:00Z' });
    const event = { ...finish(1, 'failed'), failureReason: 'runner_interrupted' };
    const refused = new GitLabRefusedError('403 insufficient_scope; check the access token');
    expect(await stop(event, { MendJob: { error: refused } })).toMatchObject({
      status: 'FAILED',
      error: 'GitLabRefusedError',
    });
    expect(leftovers()).toEqual(nothing);
  });

  it('without any text is a failure by its own name', async () => {
    const { stop } = world();
    const silent = new StateError('States.Timeout');
    expect(await stop(finishedJob(), { FindRunner: { error: silent } })).toMatchObject({
      status: 'FAILED',
      error: 'States.Timeout',
    });
  });
});

describe('the workflow', () => {
  it('says no token', async () => {
    const { start, stop, pickUp, finish, said, events, context, runnerOf } = world();
    await start(1, 2);
    await pickUp(runnerOf(1));
    await stop(finish(1), { DrainRunner: { error: down, times: 1 }, UnregisterRunner: { error: down } });
    await stop(finish(2, 'canceled'));
    expect(JSON.stringify([said, events, context.lines])).not.toContain(tokenWord);
  });

  it('has shown every one of its catches above', () => {
    expect(untakenCatchers(definition, executions)).toEqual([]);
  });
});
