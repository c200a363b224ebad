import { describe, expect, it } from 'vitest';
import { mendJob } from '../../../autoscaler/interrupt-runner/mend-job.lambda.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { GitLabRefusedError, GitLabUnavailableError } from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { instanceState, spotWarning } from '../../support/builders.ts';
import type { Json } from '../../support/state-machine-language.ts';
import { definitionFromTemplate } from '../../support/state-machine-template.ts';
import { autoscalerTemplate } from '../autoscaler-template.ts';
import { autoscalerWorld, type Trouble, type WorldOptions } from '../autoscaler-world.ts';

const template = autoscalerTemplate();
const definition = definitionFromTemplate(template, 'InterruptRunner');
const start = definitionFromTemplate(template, 'StartRunner');
const stop = definitionFromTemplate(template, 'StopRunner');

/** A world in which job 1 has its instance; it has taken the job when `busy`. */
async function world({ busy, ...options }: WorldOptions & { readonly busy: boolean }) {
  const inner = autoscalerWorld(options);
  const { gitlab, events } = inner;
  const begin = async (jobId: number, execution: string) => {
    await inner.run(start, inner.pend(jobId), {}, execution);
    await inner.launch();
  };
  await begin(1, 'first');
  const instanceId = inner.item(1)?.instanceId ?? '';
  if (busy) await inner.pickUp(inner.item(1)?.runnerId ?? 0);
  return {
    ...inner,
    begin,
    instanceId,
    interrupt: (event: Json, troubles: Readonly<Record<string, Trouble>> = {}) =>
      inner.run(definition, event, troubles),
    warn: (troubles: Readonly<Record<string, Trouble>> = {}) =>
      inner.run(definition, spotWarning(instanceId), troubles),
    become: (state: string, troubles: Readonly<Record<string, Trouble>> = {}) =>
      inner.run(definition, instanceState(instanceId, state), troubles),
    /** The host reports how its job ended, and the event of that end goes its way. */
    async report(failureReason: string) {
      const event = { ...inner.finish(1, 'failed'), failureReason };
      gitlab.setJob({ id: 1, failureReason, finishedAt: '2030-01-01T00:02:02Z' });
      return { toStop: (troubles: Readonly<Record<string, Trouble>> = {}) => inner.run(stop, event, troubles) };
    },
    /** Starts what was asked for on the bus. */
    async again() {
      const asked = events.splice(0).map(({ detail }) => (detail as { jobId: number }).jobId);
      for (const jobId of asked) await begin(jobId, `again ${jobId}`);
      return asked;
    },
    jobs: () => Object.fromEntries([...gitlab.jobs].map(([id, { status }]) => [id, status])),
  };
}
const retriedProfiles = ['default'];

describe('an idle host that EC2 takes back', () => {
  it('goes at once, and its job gets another one without having failed', async () => {
    const { warn, again, instances, instanceId, gitlab, item } = await world({ busy: false, maxAttempts: 1 });
    const runnerId = item(1)?.runnerId ?? 0;
    expect(await warn()).toMatchObject({ status: 'SUCCEEDED' });
    expect(instances.running.has(instanceId)).toBe(false);
    expect(gitlab.runners.has(runnerId)).toBe(false);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'PENDING', interruptedAt: '2030-01-01T00:02:00Z' });

    expect(await again()).toEqual([1]);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', attempt: 2, excusedAttempts: 1 });
    expect(item(1)).not.toHaveProperty('interruptedAt');
    expect([...instances.running.keys()]).toEqual([item(1)?.instanceId]);
  });

  it('goes once, when the warning comes twice and its end follows', async () => {
    const { warn, become, events, again, item } = await world({ busy: false });
    for (const happen of [warn, warn, () => become('shutting-down'), () => become('terminated')]) await happen();
    expect(events).toHaveLength(1);
    await again();
    await become('terminated');
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', attempt: 2 });
  });

  it('goes although GitLab would not remove its runner, which shows', async () => {
    const trouble = { UnregisterRunner: { error: new GitLabUnavailableError('down') } };
    const { warn, instances, item } = await world({ busy: false });
    expect(await warn(trouble)).toMatchObject({ status: 'FAILED', error: 'StopIncomplete' });
    expect([instances.running.size, item(1)?.state]).toEqual([0, 'STOPPING']);
  });
});

describe('a busy host that EC2 takes back', () => {
  it('keeps its job, which the host itself ends, and gets no other', async () => {
    const { warn, gitlab, instances, item, jobs } = await world({ busy: true, retriedProfiles });
    expect(await warn()).toMatchObject({ status: 'SUCCEEDED' });
    expect(instances.running.size).toBe(1);
    expect([...gitlab.runners.values()]).toMatchObject([{ paused: true }]);
    expect(item(1)).toMatchObject({ state: 'RUNNING', interruptedAt: '2030-01-01T00:02:00Z' });
    expect(jobs()).toEqual({ 1: 'running' });
  });

  it('has its job retried once, on on-demand capacity, when the profile says so', async () => {
    const { warn, report, begin, jobs, item, leftovers } = await world({ busy: true, retriedProfiles });
    await warn();
    const { toStop } = await report('runner_interrupted');
    await Promise.all([toStop(), toStop()]);
    await toStop();
    expect(jobs()).toEqual({ 1: 'failed', 2: 'pending' });
    expect(leftovers()).toEqual({ runners: [], instances: [], tickets: [], places: [] });

    await begin(2, 'of the retry');
    expect(item(2)).toMatchObject({ onDemandOnly: true });
  });

  it('has its job retried as well when GitLab told of the end before EC2 told of the warning', async () => {
    const { warn, report, jobs } = await world({ busy: true, retriedProfiles });
    const { toStop } = await report('runner_interrupted');
    await toStop();
    expect(jobs()).toEqual({ 1: 'failed' });
    await warn();
    expect(jobs()).toEqual({ 1: 'failed', 2: 'pending' });
  });

  it('has its job retried as well when nobody had heard that the job had begun', async () => {
    const { warn, report, gitlab, store, item, events, jobs } = await world({ busy: false, retriedProfiles });
    // Its host has claimed its ticket.
    store.tickets.clear();
    gitlab.giveJobTo(item(1)?.runnerId ?? 0);
    const { toStop } = await report('runner_interrupted');
    await warn();
    expect(item(1)).toMatchObject({ state: 'RELEASED', takenJob: 'job#7#1' });
    expect(events).toEqual([]);
    await toStop();
    expect(jobs()).toEqual({ 1: 'failed', 2: 'pending' });
  });

  it('has its job retried as well when its end is the first that even GitLab told us', async () => {
    const { warn, report, gitlab, item, jobs } = await world({ busy: false, retriedProfiles });
    const { runnerId = null } = item(1) ?? {};
    await warn();
    expect(item(1)).not.toHaveProperty('takenJob');
    gitlab.setJob({ id: 1, status: 'running', runnerId });
    await (await report('runner_interrupted')).toStop();
    expect(jobs()).toEqual({ 1: 'failed', 2: 'pending' });
  });

  it('has the retry recognised also when its hook comes before GitLab’s answer', async () => {
    const { warn, report, begin, gitlab, item, queue, store, marks, context } = await world({
      busy: true,
      retriedProfiles,
    });
    await warn();
    await report('runner_interrupted');
    const messages: string[] = [];
    const retryJob: typeof gitlab.retryJob = async (projectId, jobId) => {
      const retriedAs = await gitlab.retryJob(projectId, jobId);
      await begin(2, 'of the retry');
      messages.push(...queue.messages.values());
      throw new GitLabUnavailableError(`the answer ${retriedAs} was lost`);
    };
    const event = { job: 'job#7#1', attempt: 1, hostGone: false } as const;
    const ports = { store, marks, retriedProfiles, misplacedRetriedProfiles: [], gitlab: { ...gitlab, retryJob } };
    await expect(mendJob(event, ports, context)).rejects.toThrow('was lost');
    expect(item(2)).toMatchObject({ onDemandOnly: true });
  });

  it('makes exactly the retry run on on-demand capacity, and no later job of its name', async () => {
    const { warn, report, begin, gitlab, item } = await world({ busy: true, retriedProfiles });
    await warn();
    await (await report('runner_interrupted')).toStop();
    await begin(2, 'of the retry');
    gitlab.setJob({ id: 2, status: 'failed', failureReason: 'script_failure' });
    await gitlab.retryJob(7, 2);
    await begin(3, 'of somebody’s own retry');
    expect([item(2)?.onDemandOnly, item(3)?.onDemandOnly]).toEqual([true, undefined]);
  });

  it.each([
    ['never', [], 'runner_interrupted'],
    ['for another profile', ['other'], 'runner_interrupted'],
    ['but not when its own script failed', retriedProfiles, 'script_failure'],
  ])('has its job retried: %s', async (_, profiles, reason) => {
    const { warn, report, jobs } = await world({ busy: true, retriedProfiles: profiles });
    await warn();
    await (await report(reason)).toStop();
    expect(jobs()).toEqual({ 1: 'failed' });
  });

  it('keeps a job that somebody cancels, until its host has ended it or is gone', async () => {
    const { warn, become, gitlab, instances, item, jobs } = await world({ busy: true, retriedProfiles });
    gitlab.setJob({ id: 1, status: 'canceling' });
    await warn();
    expect([instances.running.size, item(1)?.state]).toEqual([1, 'RUNNING']);
    await become('terminated');
    // Nobody wanted it any more: it is no interruption that a retry would mend.
    expect(jobs()).toEqual({ 1: 'canceled' });
    expect(gitlab.runners.size).toBe(0);
  });

  it('has its job left alone when it ended well in time', async () => {
    const { warn, finish, run, become, jobs, leftovers } = await world({ busy: true, retriedProfiles });
    await warn();
    await run(stop, finish(1));
    await become('terminated');
    expect(jobs()).toEqual({ 1: 'success' });
    expect(leftovers().runners).toEqual([]);
  });
});

describe('a host that is gone without a word', () => {
  it('before it took a job has failed its attempt, and its job gets the next one', async () => {
    const { become, again, item, leftovers, context } = await world({ busy: false, maxAttempts: 2 });
    expect(await become('shutting-down')).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'FAILED', failure: expect.stringContaining('HostGone') });
    expect(context.lines).toContainEqual(expect.objectContaining({ AttemptsFailed: 1 }));
    expect(leftovers()).toEqual({ runners: [], instances: [], tickets: [], places: [] });
    expect(await again()).toEqual([1]);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', attempt: 2 });
  });

  it('has failed its attempt also when it removed its runner before, as one without docker does', async () => {
    const { become, again, item, gitlab, context } = await world({ busy: false, maxAttempts: 2 });
    await gitlab.removeRunner(item(1)?.runnerId ?? 0);
    await become('shutting-down');
    expect(item(1)).toMatchObject({ state: 'FAILED', failure: expect.stringContaining('its log says why') });
    expect(context.lines).toContainEqual(expect.objectContaining({ AttemptsFailed: 1 }));
    expect(await again()).toEqual([1]);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', attempt: 2 });
  });

  it('at its launch has its attempt failed for EC2’s reason, with what can be done about it', async () => {
    const { become, item, gitlab, stateReasons } = await world({ busy: false });
    await gitlab.removeRunner(item(1)?.runnerId ?? 0);
    stateReasons.set(item(1)?.instanceId ?? '', 'Client.InternalError: Client error on launch');
    await become('shutting-down');
    const failure = /EC2 says: Client.InternalError: Client error on launch.*AWSServiceRoleForEC2Spot/;
    expect(item(1)).toMatchObject({ state: 'FAILED', failure: expect.stringMatching(failure) });
  });

  it('after it had its job has not failed its attempt, although nobody had told of that job', async () => {
    const { become, report, gitlab, store, item, events, context, jobs } = await world({ busy: false, maxAttempts: 2 });
    store.tickets.clear();
    gitlab.giveJobTo(item(1)?.runnerId ?? 0);
    await report('script_failure');
    expect(await become('shutting-down')).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'RELEASED', takenJob: 'job#7#1' });
    expect(context.lines).not.toContainEqual(expect.objectContaining({ AttemptsFailed: 1 }));
    expect(events).toEqual([]);
    expect(jobs()).toEqual({ 1: 'failed' });
  });

  it('for the last time that maxAttempts allows leaves its job waiting, which shows in its item', async () => {
    const { become, again, item } = await world({ busy: false, maxAttempts: 1 });
    await become('terminated');
    await again();
    expect(item(1)).toMatchObject({ state: 'FAILED', attempt: 1 });
  });

  it('with a job has that job canceled, which GitLab would wait for, and its runner removed', async () => {
    const { become, jobs, item, gitlab, leftovers } = await world({ busy: true, retriedProfiles });
    await become('shutting-down');
    expect(jobs()).toEqual({ 1: 'running' });
    expect(await become('terminated')).toMatchObject({ status: 'SUCCEEDED' });
    expect(jobs()).toEqual({ 1: 'canceled' });
    expect(item(1)).toMatchObject({ state: 'RELEASED', takenJob: 'job#7#1' });
    expect([leftovers().runners, gitlab.runners.size]).toEqual([[], 0]);
  });

  it('after a warning has its job retried as well, which is an interruption', async () => {
    const { warn, become, begin, jobs, item } = await world({ busy: true, retriedProfiles });
    await warn();
    await become('terminated');
    expect(jobs()).toEqual({ 1: 'canceled', 2: 'pending' });
    await begin(2, 'of the retry');
    expect(item(2)).toMatchObject({ onDemandOnly: true });
  });

  it('has its job retried by whoever goes on after the cancellation', async () => {
    const { warn, become, gitlab, store, marks, context, jobs } = await world({ busy: true, retriedProfiles });
    const ports = { gitlab, store, marks, retriedProfiles, misplacedRetriedProfiles: [] };
    await warn();
    const crash = {
      MendJob: {
        error: new Error('the function died'),
        meanwhile: async () => {
          const crashing = { ...gitlab, retryJob: () => Promise.reject(new Error('the function died')) };
          const input = { job: 'job#7#1', attempt: 1, hostGone: true } as const;
          await mendJob(input, { ...ports, gitlab: crashing }, context).catch(() => {});
        },
        times: 1,
      },
    };
    expect(await become('terminated', crash)).toMatchObject({ status: 'FAILED' });
    expect(jobs()).toEqual({ 1: 'canceled' });
    const input = { job: 'job#7#1', attempt: 1, hostGone: true } as const;
    await mendJob(input, ports, context);
    expect(jobs()).toEqual({ 1: 'canceled', 2: 'pending' });
  });

  it('has the job that it ran canceled and retried, although its own job has the next runner by then', async () => {
    const { warn, become, pend, pickUp, again, gitlab, events, item, jobs } = await world({
      busy: false,
      retriedProfiles,
    });
    // GitLab gives the lowest id that fits, but for a job that it cannot hand out in that moment.
    gitlab.jobs.delete(1);
    pend(2);
    expect(await pickUp(item(1)?.runnerId ?? 0)).toBe(2);
    pend(1);
    events.splice(0);
    await warn();
    const meanwhile = async () => expect(await again()).toEqual([1]);
    expect(await become('terminated', { MendJob: { meanwhile } })).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', attempt: 2 });
    expect(jobs()).toEqual({ 1: 'pending', 2: 'canceled', 3: 'pending' });
  });

  it('is mended once: the retry of a retry is left to people', async () => {
    const { warn, become, begin, interrupt, pickUp, item, jobs } = await world({ busy: true, retriedProfiles });
    await warn();
    await become('terminated');
    await begin(2, 'of the retry');
    await pickUp(item(2)?.runnerId ?? 0);
    const second = item(2)?.instanceId ?? '';
    await interrupt(spotWarning(second));
    await interrupt(instanceState(second, 'terminated'));
    expect(jobs()).toEqual({ 1: 'canceled', 2: 'canceled' });
  });

  it('shows when the access token may not cancel jobs, and leaves no runner nevertheless', async () => {
    const trouble = { MendJob: { error: new GitLabRefusedError('403 insufficient_scope; check the access token') } };
    const { become, gitlab, item } = await world({ busy: true });
    expect(await become('terminated', trouble)).toMatchObject({ status: 'FAILED', error: 'GitLabRefusedError' });
    expect([gitlab.runners.size, item(1)?.state]).toEqual([0, 'RELEASED']);
  });
});

describe('an instance', () => {
  it('that is not ours is looked up and left alone', async () => {
    const { interrupt, item, instances, gitlab } = await world({ busy: false });
    const before = item(1);
    for (const event of [spotWarning('i-0123456789abcdef0'), instanceState('i-0123456789abcdef0', 'terminated')]) {
      expect(await interrupt(event)).toMatchObject({ status: 'SUCCEEDED' });
    }
    expect([instances.running.size, gitlab.runners.size]).toEqual([1, 1]);
    expect(item(1)).toEqual(before);
  });

  it('that ends as it should, because its runner was stopped, changes nothing', async () => {
    const { finish, run, become, item, events } = await world({ busy: true });
    await run(stop, finish(1));
    const before = item(1);
    await become('shutting-down');
    await become('terminated');
    expect(item(1)).toEqual(before);
    expect(events).toEqual([]);
  });

  it('that ends before we hear of its job’s end is no failure', async () => {
    const { finish, run, become, item, jobs, leftovers } = await world({ busy: true });
    const late = finish(1);
    await become('shutting-down');
    await become('terminated');
    expect(jobs()).toEqual({ 1: 'success' });
    await run(stop, late);
    expect(item(1)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
    expect(leftovers()).toEqual({ runners: [], instances: [], tickets: [], places: [] });
  });
});

describe('a function that failed', () => {
  const failed = { projectId: 7, jobId: 1, attempt: 1, event: null, error: 'LambdaRunnerFailed', cause: 'timeout' };
  const abandon = definitionFromTemplate(template, 'AbandonRunner');

  async function functionWorld() {
    const inner = await world({ busy: true });
    inner.store.items.set('job#7#1', { ...(inner.item(1) as RunnerItem), type: 'LAMBDA' });
    return inner;
  }

  it('ends with the job that it had: GitLab would wait for that job for half an hour', async () => {
    const { run, item, events, gitlab, jobs, ...inner } = await functionWorld();
    const runnerId = item(1)?.runnerId ?? 0;
    await run(abandon, failed);
    const [unwanted, ...others] = events.splice(0);
    expect(others).toEqual([]);
    await run(definition, unwanted?.detail as Json);
    expect(jobs()).toEqual({ 1: 'canceled' });
    expect(gitlab.runners.has(runnerId)).toBe(false);
    expect(item(1)?.state).toBe('RELEASED');
    expect(inner.instances.running.size).toBe(0);
  });

  it('leaves a job alone that another runner has, whatever a hook said', async () => {
    const { run, item, events, gitlab, jobs } = await functionWorld();
    gitlab.setJob({ id: 1, runnerId: 999 });
    gitlab.runners.delete(item(1)?.runnerId ?? 0);
    await run(definition, {
      ...{ kind: 'runner-unwanted', projectId: 7, jobId: 1, attempt: 1 },
      ...{ reason: 'its host is gone', force: true },
    });
    expect(events).toEqual([]);
    expect(jobs()).toEqual({ 1: 'running' });
  });

  it('after its job was over leaves that job alone', async () => {
    const { run, finish, item, events, jobs } = await functionWorld();
    finish(1, 'success');
    await run(abandon, failed);
    for (const { detail } of events.splice(0)) await run(definition, detail as Json);
    expect(jobs()).toEqual({ 1: 'success' });
    expect(item(1)?.state).toBe('RELEASED');
  });
});
