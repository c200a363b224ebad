import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { invocationFailure, pendingJob, runnerItem } from '../../support/builders.ts';
import { tokenWord } from '../../support/in-memory-gitlab.ts';
import type { Execution } from '../../support/state-machine.ts';
import { untakenCatchers } from '../../support/state-machine-checks.ts';
import { StateError } from '../../support/state-machine-errors.ts';
import { definitionFromTemplate } from '../../support/state-machine-template.ts';
import { autoscalerTemplate } from '../autoscaler-template.ts';
import { autoscalerWorld, type Trouble } from '../autoscaler-world.ts';

const template = autoscalerTemplate();
const definition = definitionFromTemplate(template, 'AbandonRunner');
const start = definitionFromTemplate(template, 'StartRunner');
const executions: Execution[] = [];
const caps = [{ counter: 'cap#deployment', limit: 1 }];

/** A world in which job 1 has a registered runner and job 2 waits for its place. */
async function world() {
  const inner = autoscalerWorld({ offer: { maxConcurrent: 1 } });
  await inner.run(start, inner.pend(1), {}, 'first');
  await inner.run(start, inner.pend(2), {}, 'second');
  const abandon = async (changes: object = {}, troubles: Readonly<Record<string, Trouble>> = {}) => {
    const failure = { projectId: 7, jobId: 1, attempt: 1, event: null, error: 'NoCapacityError', cause: 'none' };
    const execution = await inner.run(definition, { ...failure, ...changes }, troubles);
    executions.push(execution);
    return execution;
  };
  /** Job 1 has a runner of this type. */
  const become = (type: RunnerItem['type']) =>
    inner.store.items.set('job#7#1', { ...(inner.item(1) as RunnerItem), type });
  return { ...inner, abandon, become };
}
const jobsOf = (events: readonly { readonly detail: unknown }[]) =>
  events.map(({ detail }) => (detail as { jobId: number }).jobId);

describe('a runner whose launch failed', () => {
  it('is undone; who waits starts at once, and the job itself is asked for again after a while', async () => {
    const { abandon, leftovers, events, item } = await world();
    const execution = await abandon();
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(leftovers()).toEqual({ runners: [], instances: [], tickets: [], places: [] });
    expect(item(1)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'NoCapacityError', message: 'none' } });
    expect(jobsOf(events)).toEqual([2, 1]);
    expect(events.map(({ type }) => type)).toEqual(['Job Pending', 'Job Pending']);
    expect(execution.waitedSeconds).toBeGreaterThanOrEqual(4);
  });

  it('after it was started fails the execution with its error, and is asked for again as long as there are attempts', async () => {
    const { abandon, events, store } = await world();
    const launched = { state: 'LAUNCHED', launchedAt: '2030-01-01T00:00:00.000Z' } as const;
    const item = store.items.get('job#7#1');
    if (!item) throw new Error('the job has no item');
    store.items.set('job#7#1', { ...item, ...launched, attempt: 3 });
    expect(await abandon({ attempt: 3, error: 'HostLost' })).toMatchObject({
      status: 'FAILED',
      error: 'HostLost',
      cause: 'none',
    });
    expect(jobsOf(events)).toEqual([2]);
  });

  it('is not undone when it got its job meanwhile', async () => {
    const { abandon, store, events, gitlab } = await world();
    const running = runnerItem({ state: 'RUNNING', takenJob: 'job#7#1', runnerId: 101, caps });
    store.items.set('job#7#1', running);
    await abandon({ error: 'NoCapacityError' });
    expect(store.items.get('job#7#1')).toEqual(running);
    expect(events).toEqual([]);
    expect(gitlab.runners.has(101)).toBe(true);
  });

  it('is undone once, and followed by one attempt, when its failure is told twice', async () => {
    const { abandon, store, run, events, item, gitlab } = await world();
    await abandon();
    await abandon();
    for (const [index, { detail }] of events.entries()) await run(start, detail, {}, `again ${index}`);
    expect([item(1)?.state, item(2)?.state].sort()).toEqual(['REGISTERED', 'WAITING']);
    expect([store.counters.get('cap#deployment'), gitlab.runners.size]).toEqual([1, 1]);
  });

  it('is undone also after passing trouble', async () => {
    const { abandon, leftovers } = await world();
    const busy = new StateError('Lambda.TooManyRequestsException', 'busy');
    expect(await abandon({}, { AbandonRunner: { error: busy, times: 3 } })).toMatchObject({ retries: { length: 3 } });
    expect(leftovers()).toMatchObject({ runners: [], places: [] });
  });

  it('and cannot be undone fails the execution with what happened', async () => {
    const { abandon } = await world();
    const error = new StateError('States.TaskFailed', 'nothing works');
    expect(await abandon({}, { AbandonRunner: { error } })).toMatchObject({
      status: 'FAILED',
      error: 'States.TaskFailed',
      cause: 'nothing works',
    });
  });

  it('is asked for again although nobody could be told of its place', async () => {
    const { abandon, events } = await world();
    await abandon({}, { StartWaitingJobsEvent: { error: new StateError('EventBridge.FailedEntry', 'busy') } });
    expect(jobsOf(events)).toContain(1);
  });
});

describe('the workflow', () => {
  it('takes what Lambda tells of a function, with its own words: one that failed costs an attempt, one never started does not', async () => {
    const told = (changes: Parameters<typeof invocationFailure>[0]) =>
      JSON.parse(JSON.stringify(invocationFailure({ attempt: 1, ...changes })));
    const failed = await world();
    failed.become('LAMBDA');
    expect(await failed.run(definition, told({}))).toMatchObject({ status: 'FAILED', error: 'LambdaRunnerFailed' });
    expect(failed.item(1)).toMatchObject({ state: 'FAILED', failure: 'LambdaRunnerFailed: Error: lost' });

    const late = await world();
    late.become('LAMBDA');
    const neverStarted = told({ condition: 'EventAgeExceeded', responsePayload: undefined });
    expect(await late.run(definition, neverStarted)).toMatchObject({ status: 'SUCCEEDED' });
    expect(late.item(1)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'LambdaRunnerNotStarted' } });
  });

  it('takes what the launcher tells the bus, also of a job that nobody knows', async () => {
    const { abandon, item } = await world();
    const unknown = {
      projectId: 7,
      jobId: 99,
      attempt: 1,
      event: null,
      error: 'LambdaRunnerFailed',
      cause: 'RetriesExhausted',
    };
    expect(await abandon(unknown)).toMatchObject({ status: 'SUCCEEDED' });
    await abandon({ attempt: null, event: pendingJob({ jobId: 98 }) });
    expect(item(98)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'NoCapacityError' } });
  });

  it('says no token', async () => {
    const { abandon, said, events, context } = await world();
    await abandon();
    expect(JSON.stringify([said, events, context.lines])).not.toContain(tokenWord);
  });

  it('has shown every one of its catches above', () => {
    expect(untakenCatchers(definition, executions)).toEqual([]);
  });
});
