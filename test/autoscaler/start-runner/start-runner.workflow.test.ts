import { describe, expect, it } from 'vitest';
import {
  CapReachedError,
  JobAlreadyAdmittedError,
  NotItsTurnError,
} from '../../../autoscaler/runner-store/runner-errors.ts';
import { RunnerStateChangedError } from '../../../autoscaler/runner-store/runners-store.ts';
import { GitLabRefusedError, GitLabUnavailableError } from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { lambdaRunnerPayloadSchema } from '../../../infrastructure/kit/runner-ticket.ts';
import { jobMapping, pendingJob } from '../../support/builders.ts';
import { tokenWord } from '../../support/in-memory-gitlab.ts';
import type { Execution } from '../../support/state-machine.ts';
import { untakenCatchers } from '../../support/state-machine-checks.ts';
import { StateError } from '../../support/state-machine-errors.ts';
import { type Json, statesOf } from '../../support/state-machine-language.ts';
import { definitionFromTemplate } from '../../support/state-machine-template.ts';
import { autoscalerTemplate } from '../autoscaler-template.ts';
import { autoscalerWorld, type Trouble, type WorldOptions } from '../autoscaler-world.ts';

const definition = definitionFromTemplate(autoscalerTemplate(), 'StartRunner');
const executions: Execution[] = [];

function world(options: WorldOptions = {}) {
  const inner = autoscalerWorld(options);
  const start = async (event: unknown, troubles: Readonly<Record<string, Trouble>> = {}, name = 'execution') => {
    const execution = await inner.run(definition, event as Json, troubles, name);
    executions.push(execution);
    return execution;
  };
  return { ...inner, start };
}
const onLambda = { mappings: [jobMapping({ target: { type: 'LAMBDA', profile: 'shell' } })] } as const;
const down = new GitLabUnavailableError('no answer');

describe('a pending job', () => {
  it('of an EC2 profile gets a registered runner and one launch request', async () => {
    const { pend, start, gitlab, queue, item } = world();
    expect(await start(pend(1))).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'REGISTERED', attempt: 1, ticketId: 'job#7#1' });
    expect([...gitlab.runners.keys()]).toEqual([item(1)?.runnerId]);
    expect([...queue.messages.values()].map((body) => JSON.parse(body))).toEqual([
      { projectId: 7, jobId: 1, attempt: 1, profile: 'default', onDemandOnly: false },
    ]);
  });

  it('of a LAMBDA profile is run by a function that knows which other jobs of its tags are none for it', async () => {
    const mappings = [
      jobMapping({ tags: ['docker'], target: { type: 'LAMBDA', profile: 'shell' }, exact: 'off' }),
      jobMapping({ jobName: 'deploy' }),
    ];
    const { pend, start, invocations } = world({ mappings });
    await start(pend(1, ['docker']));
    const refusal = 'its mapping "job#deploy tags#" sends it to EC2 default';
    expect(invocations).toMatchObject([{ images: { rules: [{ name: 'deploy', refusal }] } }]);
  });

  it('of a LAMBDA profile is run by its function, which is told where its token is and not what', async () => {
    const { pend, start, invocations, item, store } = world(onLambda);
    expect(await start(pend(1, ['docker']))).toMatchObject({ status: 'SUCCEEDED' });
    expect(invocations).toEqual([
      {
        kind: 'run-job',
        ticketId: 'function#shell#random-1',
        ticketsTable: expect.any(String),
        gitlabUrl: 'https://gitlab.com',
        runnerName: 'gitlab-runners lambda 1',
        runnerId: item(1)?.runnerId,
        job: { projectId: 7, jobId: 1, jobName: 'build', projectPath: 'group/project' },
        attempt: 1,
        timeoutSeconds: 13 * 60,
        images: {},
      },
    ]);
    expect(lambdaRunnerPayloadSchema.safeParse(invocations[0]).success).toBe(true);
    expect(store.tickets.get('function#shell#random-1')?.token).toContain(tokenWord);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', launchedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  });

  it('goes to the fallback of its mapping when its function could not be started', async () => {
    const mappings = [jobMapping({ target: { type: 'LAMBDA', profile: 'shell', fallbackProfile: 'default' } })];
    const { pend, start, queue, invocations, item, gitlab } = world({ mappings });
    const refused = new StateError('Lambda.ResourceNotFoundException', 'no such function');
    await start(pend(1), { InvokeLambdaRunner: { error: refused } }, 'first');
    expect(item(1)).toMatchObject({ state: 'WAITING', type: 'LAMBDA' });
    expect(await start(pend(1), {}, 'second')).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'REGISTERED', attempt: 2, type: 'EC2', profile: 'default' });
    expect(item(1)).not.toHaveProperty('fallback');
    expect([...queue.messages.values()].map((body) => JSON.parse(body))).toMatchObject([{ profile: 'default' }]);
    expect(invocations).toEqual([]);
    expect([...gitlab.runners.keys()]).toEqual([item(1)?.runnerId]);
  });

  it('of a profile that keeps projects apart is run by its function for the project alone', async () => {
    const template = autoscalerTemplate({
      profiles: { default: { type: 'EC2' }, shell: { type: 'LAMBDA', isolateProjects: true } },
    });
    const shell = { type: 'LAMBDA', timeoutMinutes: 13, functionArn: 'arn:shell', isolateProjects: true } as const;
    const { pend, run, invocations, tenants, item } = autoscalerWorld({ ...onLambda, offer: { profiles: { shell } } });
    expect(await run(definitionFromTemplate(template, 'StartRunner'), pend(1) as unknown as Json)).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(tenants).toEqual(['project-7']);
    expect(invocations).toMatchObject([{ kind: 'run-job', job: { projectId: 7, jobId: 1 } }]);
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', tenantId: 'project-7' });
  });

  it('of a GitLab that tells no project path runs as well', async () => {
    const { pend, start, invocations, gitlab } = world(onLambda);
    const event = pend(1);
    gitlab.setJob({ id: 1, projectPath: null });
    expect(await start(event)).toMatchObject({ status: 'SUCCEEDED' });
    expect(invocations).toMatchObject([{ job: { projectPath: null } }]);
  });

  it('has the name and the path that GitLab tells, whatever its hook said', async () => {
    const { pend, start, invocations, item } = world(onLambda);
    const lie = { jobName: 'deploy', projectPath: 'group/trusted' };
    expect(await start({ ...pend(1), ...lie })).toMatchObject({ status: 'SUCCEEDED' });
    const truth = { jobName: 'build', projectPath: 'group/project' };
    expect(invocations).toMatchObject([{ job: truth }]);
    expect(item(1)).toMatchObject({ event: truth });
  });

  it('with one tag, with caps, with none: passes through unchanged', async () => {
    for (const tags of [[], ['one'], ['one', 'two']]) {
      const { pend, start, item, gitlab } = world({ offer: { maxConcurrent: 5 } });
      expect(await start(pend(1, tags))).toMatchObject({ status: 'SUCCEEDED' });
      expect(item(1)).toMatchObject({ tags, caps: [{ counter: 'cap#deployment', limit: 5 }] });
      expect([...gitlab.runners.values()]).toMatchObject([{ tags }]);
    }
  });

  it('that is left to others ends there, and nothing is written', async () => {
    const { pend, start, store, gitlab } = world({ mappings: [] });
    const execution = await start(pend(1));
    expect(execution.visited).toEqual(['ChooseRunner', 'IsOurs', 'Ignored']);
    expect(store.items.size + gitlab.runners.size).toBe(0);
  });

  it('that took the runner of another one before it had one itself brings the next one for that job', async () => {
    const { pend, start, pickUp, item, gitlab } = world();
    const [taker, robbed] = [pend(1), pend(2)];
    await start(robbed);
    // GitLab hands out the oldest job first, which is the other one.
    expect(await pickUp(Number(item(2)?.runnerId))).toBe(1);
    await start(taker);
    expect(item(1)).toMatchObject({ state: 'REGISTERED', jobState: 'RUNNING', attempt: 1 });
    expect(gitlab.runners.size).toBe(2);
    expect(await pickUp(Number(item(1)?.runnerId))).toBe(2);
    expect(item(2)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#1', jobState: 'RUNNING' });
  });

  it('whose event comes twice has one runner', async () => {
    const { pend, start, gitlab, queue } = world();
    await start(pend(1), {}, 'first');
    const second = await start(pend(1), {}, 'second');
    expect(second).toMatchObject({ status: 'SUCCEEDED', visited: expect.arrayContaining(['AlreadyAdmitted']) });
    expect(gitlab.runners.size).toBe(1);
    expect(queue.messages.size).toBe(1);
  });

  it('that comes when a cap is reached waits, which is no failure', async () => {
    const { pend, start, item, gitlab } = world({ offer: { maxConcurrent: 1 } });
    await start(pend(1), {}, 'first');
    const second = await start(pend(2), {}, 'second');
    expect(second).toMatchObject({ status: 'SUCCEEDED', visited: expect.arrayContaining(['Waiting']) });
    expect(item(2)).toMatchObject({ state: 'WAITING' });
    expect(gitlab.runners.size).toBe(1);
  });

  it('that GitLab never comes to call pending is asked about several times, and left to its next event', async () => {
    const { start, gitlab, store } = world();
    gitlab.setJob({ id: 1, status: 'created' });
    const execution = await start(pendingJob());
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: { length: 3 } });
    expect(execution.visited).toEqual(['ChooseRunner', 'WaitBeforeLookingAgain', 'LookAgain', 'NotPending']);
    expect(store.items.size).toBe(0);
  });

  it('whose hook said that it was only created gets its runner all the same', async () => {
    const { pend, start, item } = world(onLambda);
    const execution = await start({ ...pend(1), status: 'created' });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: [] });
    expect(execution.visited).not.toContain('WaitBeforeLookingAgain');
    expect(item(1)).toMatchObject({ state: 'LAUNCHED', event: { status: 'pending' } });
  });

  it('whose hook said so, and GitLab as well, is looked at once more some seconds later', async () => {
    const { start, gitlab, item } = world();
    gitlab.setJob({ id: 1, status: 'created' });
    const { readJob } = gitlab;
    gitlab.readJob = async (projectId, jobId) => {
      const job = await readJob(projectId, jobId);
      gitlab.setJob({ id: 1, status: 'pending' });
      return job;
    };
    const execution = await start(pendingJob({ status: 'created' }));
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: [] });
    expect(execution.visited).toContain('LookAgain');
    expect(item(1)).toMatchObject({ state: 'REGISTERED' });
  });

  it.each(['ChooseRunner', 'LookAgain'])(
    'of which a hook gave only a suspicion has no item that says that it waits, when GitLab is down at %s',
    async (state) => {
      const { start, gitlab, store } = world();
      gitlab.setJob({ id: 1, status: 'created' });
      const execution = await start(pendingJob({ status: 'created' }), { [state]: { error: down } });
      expect(execution).toMatchObject({ status: 'FAILED', error: 'GitLabUnavailableError' });
      expect(execution.visited.at(-1)).toBe('NotAsked');
      expect(store.items.size).toBe(0);
    },
  );

  it('that waits, but whose mapping names what is not there, says so whatever its hook said', async () => {
    const { pend, start, item } = world({ mappings: [jobMapping({ target: { type: 'EC2', profile: 'huge' } })] });
    await start({ ...pend(1), status: 'created' });
    expect(item(1)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'MappingNotAllowedError' } });
  });

  it('that was only created is looked at twice, and nothing is written', async () => {
    const { start, gitlab, store } = world();
    gitlab.setJob({ id: 1, status: 'created' });
    const execution = await start(pendingJob({ status: 'created' }));
    expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: [] });
    expect(execution.visited.slice(-3)).toEqual(['LookAgain', 'WaitsByNow', 'NotPending']);
    expect(store.items.size + gitlab.runners.size).toBe(0);
  });

  it('that GitLab calls pending a moment later gets its runner', async () => {
    const { start, gitlab, item } = world();
    gitlab.setJob({ id: 1, status: 'created' });
    let looks = 0;
    const readJob = gitlab.readJob;
    gitlab.readJob = async (projectId, jobId) => {
      looks += 1;
      if (looks === 3) gitlab.setJob({ id: 1, status: 'pending' });
      return readJob(projectId, jobId);
    };
    expect(await start(pendingJob())).toMatchObject({ status: 'SUCCEEDED', retries: { length: 2 } });
    expect(item(1)).toMatchObject({ state: 'REGISTERED' });
  });

  it('that ends while its runner is registered leaves nothing', async () => {
    const { pend, start, gitlab, store } = world();
    const event = pend(1);
    const create = gitlab.createRunner;
    gitlab.createRunner = async (runner) => {
      const created = await create(runner);
      await store.write({ kind: 'update', job: 'job#7#1', from: ['ADMITTED'], set: { state: 'STOPPING' } });
      return created;
    };
    const execution = await start(event);
    expect(execution).toMatchObject({ status: 'SUCCEEDED', visited: expect.arrayContaining(['NoLongerWanted']) });
    expect(gitlab.runners.size + store.tickets.size).toBe(0);
  });
});

describe('passing trouble', () => {
  it.each(['ChooseRunner', 'AdmitJob', 'RegisterRunner'])(
    'is tried again at %s, and leaves one runner',
    async (state) => {
      const { pend, start, gitlab, queue, item } = world();
      const execution = await start(pend(1), { [state]: { error: down, times: 3 } });
      expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: { length: 3 } });
      expect(item(1)).toMatchObject({ state: 'REGISTERED', attempt: 1 });
      expect([gitlab.runners.size, queue.messages.size]).toEqual([1, 1]);
    },
  );

  it.each(['ChooseRunner', 'AdmitJob', 'RegisterRunner'])(
    'that hides the answer of %s, which was done, leaves one runner too',
    async (state) => {
      const { pend, start, gitlab, queue, store } = world({ offer: { maxConcurrent: 5 } });
      const lost = new StateError('Lambda.Unknown', 'lost');
      const execution = await start(pend(1), { [state]: { error: lost, times: 2, afterwards: true } });
      expect(execution).toMatchObject({ status: 'SUCCEEDED' });
      expect([gitlab.runners.size, queue.messages.size, store.tickets.size]).toEqual([1, 1, 1]);
      expect(store.counters.get('cap#deployment')).toBe(1);
    },
  );

  it('of SQS or of Lambda is tried again, whatever it is called', async () => {
    const ec2 = world();
    const sqs = { RequestInstance: { error: new StateError('SQS.SdkClientException'), times: 3 } };
    expect(await ec2.start(ec2.pend(1), sqs)).toMatchObject({ status: 'SUCCEEDED' });
    const lambda = world(onLambda);
    const busy = { InvokeLambdaRunner: { error: new StateError('Lambda.TooManyRequestsException'), times: 3 } };
    expect(await lambda.start(lambda.pend(1), busy)).toMatchObject({ status: 'SUCCEEDED' });
    expect(lambda.invocations).toHaveLength(1);
  });

  it('of the note that the function was invoked is no failure: the function runs', async () => {
    const { pend, start, item, gitlab } = world(onLambda);
    const execution = await start(pend(1), { NoteLaunch: { error: new StateError('DynamoDB.SdkClientException') } });
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'REGISTERED' });
    expect(gitlab.runners.size).toBe(1);
  });

  it('of the note that the function was invoked passes with the transaction that it met', async () => {
    const { pend, start, item } = world(onLambda);
    const conflict = new StateError('DynamoDB.TransactionConflictException');
    const execution = await start(pend(1), { NoteLaunch: { error: conflict, times: 2 } });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', catches: [] });
    expect(item(1)).toMatchObject({ state: 'LAUNCHED' });
  });

  it('of a function whose job took it before the note is none at all', async () => {
    const { pend, start, store, item } = world(onLambda);
    const takesJob = { kind: 'update', job: 'job#7#1', from: ['REGISTERED'], set: { state: 'RUNNING' } } as const;
    const execution = await start(pend(1), { NoteLaunch: { meanwhile: () => store.write(takesJob) } });
    expect(execution).toMatchObject({ status: 'SUCCEEDED', catches: [{ state: 'NoteLaunch' }] });
    expect(item(1)).toMatchObject({ state: 'RUNNING' });
  });
});

describe('a failure that lasts', () => {
  const failing: readonly (readonly [string, WorldOptions, Error])[] = [
    ['ChooseRunner', {}, down],
    ['AdmitJob', {}, new StateError('States.Timeout')],
    ['RegisterRunner', {}, down],
    ['RequestInstance', {}, new StateError('SQS.SdkClientException', 'no queue')],
    ['InvokeLambdaRunner', onLambda, new StateError('Lambda.ResourceNotFoundException', 'no function')],
  ];

  it.each(failing)(
    'of %s is undone, lets the job wait, and is asked again after a while',
    async (state, options, error) => {
      const { pend, start, item, leftovers, events } = world({ ...options, offer: { maxConcurrent: 5 } });
      const event = pend(1);
      const execution = await start(event, { [state]: { error } });
      expect(execution).toMatchObject({ status: 'SUCCEEDED' });
      expect(execution.visited.slice(-4)).toEqual([
        'WaitBeforeAskingAgain',
        'AskAgain',
        'HasAttemptFailed',
        'JobWaits',
      ]);
      expect(leftovers()).toEqual({ runners: [], instances: [], tickets: [], places: [] });
      const name = error instanceof StateError ? error.error : error.name;
      expect(item(1)).toMatchObject({ state: 'WAITING', attempt: 1, waitsFor: { error: name, looks: 1 } });
      expect(events).toEqual([{ type: 'Job Pending', detail: event }]);
      expect(execution.waitedSeconds).toBeGreaterThan(4);
    },
  );

  it('that a person must mend says why, and is asked again: it may be mended', async () => {
    const { pend, start, events, item } = world();
    await start(pend(1), { RegisterRunner: { error: new GitLabRefusedError('403') } });
    expect(events).toMatchObject([{ type: 'Job Pending' }]);
    expect(item(1)).toMatchObject({ state: 'WAITING', waitsFor: { message: '403' } });
  });

  it('that is a mapping’s fault names the row for whoever looks', async () => {
    const { pend, start, item } = world({ mappings: [jobMapping({ target: { type: 'EC2', profile: 'huge' } })] });
    expect(await start(pend(1))).toMatchObject({ retries: [] });
    expect(item(1)).toMatchObject({ state: 'WAITING', waitsFor: { error: 'MappingNotAllowedError' } });
    expect(item(1)?.waitsFor?.message).toContain('job#* tags#');
  });

  it('lets the next attempt of the same job succeed', async () => {
    const { pend, start, events, item } = world();
    await start(pend(1), { RegisterRunner: { error: down } }, 'first');
    expect(await start(events[0]?.detail, {}, 'second')).toMatchObject({ status: 'SUCCEEDED' });
    expect(item(1)).toMatchObject({ state: 'REGISTERED', attempt: 2 });
  });

  it('costs no attempt, however often it comes, and leaves the later looks to the reconciler', async () => {
    const { pend, start, events, item } = world({ maxAttempts: 1 });
    const event = pend(1);
    for (let look = 1; look <= 6; look += 1) await start(event, { RegisterRunner: { error: down } }, `look ${look}`);
    expect(events).toHaveLength(3);
    expect(item(1)).toMatchObject({ state: 'WAITING', attempt: 6, excusedAttempts: 6, waitsFor: { looks: 6 } });
    await start(event, {}, 'GitLab is back');
    expect(item(1)).toMatchObject({ state: 'REGISTERED', attempt: 7 });
  });

  it('gives its place to the job that waits', async () => {
    const { pend, start, events, item } = world({ offer: { maxConcurrent: 1 } });
    const [first, second] = [pend(1), pend(2)];
    const noQueue = new StateError('SQS.SdkClientException');
    const secondComes = () => start(second, {}, 'second');
    await start(first, { RequestInstance: { error: noQueue, meanwhile: secondComes } }, 'first');
    expect(item(2)).toMatchObject({ state: 'WAITING' });
    expect(events.map(({ detail }) => detail)).toEqual([second, first]);
  });

  it('of AbandonRunner itself fails the execution, visibly', async () => {
    const { pend, start } = world();
    const error = new StateError('States.TaskFailed', 'nothing works');
    const execution = await start(pend(1), { RegisterRunner: { error: down }, AbandonRunner: { error } });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed', cause: 'nothing works' });
    expect(execution.visited.at(-1)).toBe('AbandonFailed');
  });

  it('without any text is a failure by its own name', async () => {
    const { pend, start } = world();
    const execution = await start(pend(1), {
      RegisterRunner: { error: down },
      AbandonRunner: { error: new StateError('States.Timeout') },
    });
    expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });

  describe('of EventBridge', () => {
    const busy = new StateError('EventBridge.FailedEntry', 'ThrottlingException');

    /** Job 1 fails for good while job 2 waits for its place; the bus is in trouble when `state` tells it so. */
    async function failWith(state: string, trouble: Trouble) {
      const { pend, start, events } = world({ offer: { maxConcurrent: 1 } });
      const [first, second] = [pend(1), pend(2)];
      const noQueue = new StateError('SQS.SdkClientException', 'no queue');
      const secondComes = () => start(second, {}, 'second');
      const troubles = { RequestInstance: { error: noQueue, meanwhile: secondComes }, [state]: trouble };
      const execution = await start(first, troubles, 'first');
      return { execution, told: events.map(({ detail }) => (detail as { jobId: number }).jobId) };
    }

    it.each(['StartWaitingJobsEvent', 'AskAgain'])('at %s is tried again', async (state) => {
      const { told, execution } = await failWith(state, { error: busy, times: 2 });
      expect(told).toEqual([2, 1]);
      expect(execution.retries.filter((retry) => retry.state === state)).toHaveLength(2);
    });

    it('that lasts when a waiting job is to be told does not keep the failed one from being asked again', async () => {
      expect((await failWith('StartWaitingJobsEvent', { error: busy })).told).toEqual([1]);
    });

    it('that lasts when the job is to be asked again fails the execution', async () => {
      const { execution, told } = await failWith('AskAgain', { error: busy });
      expect(execution).toMatchObject({ status: 'FAILED' });
      expect(told).toEqual([2]);
    });
  });
});

describe('the workflow', () => {
  it('knows the refusals of its Lambdas by their names', async () => {
    const named: readonly (readonly [string, Error, string])[] = [
      ['AdmitJob', new JobAlreadyAdmittedError('x'), 'AlreadyAdmitted'],
      ['AdmitJob', new CapReachedError('x'), 'Waiting'],
      ['AdmitJob', new NotItsTurnError('x'), 'WaitingForTurn'],
      ['RegisterRunner', new RunnerStateChangedError('x', []), 'NoLongerWanted'],
    ];
    for (const [state, error, end] of named) {
      const { pend, start } = world();
      const execution = await start(pend(1), { [state]: { error } });
      expect(execution).toMatchObject({ status: 'SUCCEEDED', retries: [] });
      expect(execution.visited.at(-1)).toBe(end);
    }
  });

  it('says no token: not in any task’s input or result, message, event, log line or item', async () => {
    for (const options of [{}, onLambda]) {
      const { pend, start, said, events, invocations, queue, context, store } = world(options);
      await start(pend(1), {}, 'first');
      await start(pend(2), { InvokeLambdaRunner: { error: down }, RequestInstance: { error: down } }, 'second');
      const heard = [said, events, invocations, [...queue.messages], context.lines, [...store.items]];
      expect(JSON.stringify(heard)).not.toContain(tokenWord);
      expect(JSON.stringify([...store.tickets])).toContain(tokenWord);
    }
  });

  it('invokes a runner function without waiting for it', () => {
    const { InvokeLambdaRunner } = Object.fromEntries(statesOf(definition));
    expect(InvokeLambdaRunner?.Arguments).toMatchObject({ InvocationType: 'Event' });
  });

  it('notes a launch only of the attempt that was registered', () => {
    const { NoteLaunch } = Object.fromEntries(statesOf(definition));
    expect(NoteLaunch?.Arguments).toMatchObject({
      Key: { pk: { S: "{% 'job#' & $event.projectId & '#' & $event.jobId %}" } },
      UpdateExpression: 'SET #state = :launched, launchedAt = :now',
      ConditionExpression: '#state = :registered AND attempt = :attempt',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':launched': { S: 'LAUNCHED' }, ':registered': { S: 'REGISTERED' } },
    });
  });

  it('has shown every one of its catches above', () => {
    expect(untakenCatchers(definition, executions)).toEqual([]);
  });
});
