import { describe, expect, it } from 'vitest';
import type { CloudFormationRequest } from '../../../autoscaler/destroy/cloudformation-request.ts';
import { type RemoveRunnersPorts, removeRunners } from '../../../autoscaler/destroy/remove-runners.lambda.ts';
import { noteOfRunner } from '../../../autoscaler/runner-store/runner-mark.ts';
import { GitLabRefusedError, GitLabUnavailableError } from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { SecretUnavailableError } from '../../../infrastructure/kit/aws/secret-errors.ts';
import { runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const lambdaSeconds = 900;
const request = (RequestType: CloudFormationRequest['RequestType']): CloudFormationRequest => ({
  RequestType,
  ResponseURL: 'https://cloudformation-custom-resource-response.example.com/answer',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'RunnerRemoval',
});

type Instance = { ends: number | null; readonly takesSeconds: number };

/** A deployment that is destroyed: its instances take their time to end, and the clock is virtual. */
function world(takesSeconds: Readonly<Record<string, number>> = {}) {
  const clock = { milliseconds: testStart };
  const ec2 = new Map<string, Instance>();
  const launch = (id: string, seconds = 30) => ec2.set(id, { ends: null, takesSeconds: seconds });
  for (const [id, seconds] of Object.entries(takesSeconds)) launch(id, seconds);
  const later: { readonly at: number; readonly happen: () => unknown }[] = [];
  const gitlab = inMemoryGitLab();
  const store = inMemoryRunnersStore();
  const answers: { Status?: string; Reason?: string; PhysicalResourceId?: string }[] = [];
  const living = () => {
    for (const [id, { ends }] of ec2) if (ends !== null && ends <= clock.milliseconds) ec2.delete(id);
    return [...ec2].map(([instanceId, { ends }]) => ({ instanceId, ends: ends !== null }));
  };
  const ports: RemoveRunnersPorts = {
    deployment: 'ci',
    gitlab,
    store,
    instances: {
      list: async () => living(),
      async terminate(ids) {
        for (const id of ids) {
          const instance = ec2.get(id);
          if (instance) instance.ends ??= clock.milliseconds + instance.takesSeconds * 1_000;
        }
      },
    },
    now: () => clock.milliseconds,
    async sleep(milliseconds) {
      clock.milliseconds += milliseconds;
      for (const one of later.filter(({ at }) => at <= clock.milliseconds))
        later.splice(later.indexOf(one), 1)[0]?.happen();
    },
    answer: async (_, answer) => void answers.push(answer),
  };
  const context = {
    ...lambdaContext(),
    remainingMilliseconds: () => lambdaSeconds * 1_000 - (clock.milliseconds - testStart),
  };
  const addRunner = (deployment: string, job: number) =>
    gitlab.createRunner({
      projectId: 7,
      description: `${deployment} ec2 for job ${job}`,
      maintenanceNote: noteOfRunner({ deployment, job: `job#7#${job}`, attempt: 1 }),
      tags: [],
      maximumTimeoutSeconds: 600,
    });
  return {
    clock,
    gitlab,
    store,
    ports,
    answers,
    launch,
    addRunner,
    instances: () => living().map(({ instanceId }) => instanceId),
    afterSeconds: (seconds: number, happen: () => unknown) => later.push({ at: testStart + seconds * 1_000, happen }),
    secondsPassed: () => (clock.milliseconds - testStart) / 1_000,
    ask: (type: CloudFormationRequest['RequestType'], changes: Partial<RemoveRunnersPorts> = {}) =>
      removeRunners(request(type), { ...ports, ...changes }, context),
  };
}

describe('creating and updating the stack', () => {
  it.each(['Create', 'Update'] as const)('(%s) touches no runner, and takes no time', async (type) => {
    const { ask, instances, addRunner, gitlab, answers, secondsPassed } = world({ 'i-1': 30 });
    await addRunner('ci', 1);
    await ask(type);
    expect([instances(), gitlab.runners.size, secondsPassed()]).toEqual([['i-1'], 1, 0]);
    expect(answers).toMatchObject([{ Status: 'SUCCESS', RequestId: 'request', LogicalResourceId: 'RunnerRemoval' }]);
  });

  it('keeps its id, since CloudFormation deletes a resource whose id changes', async () => {
    const { ask, answers } = world();
    for (const type of ['Create', 'Update', 'Delete'] as const) await ask(type);
    expect(new Set(answers.map(({ PhysicalResourceId }) => PhysicalResourceId))).toEqual(new Set(['runners-of-ci']));
  });
});

describe('deleting the stack', () => {
  it('ends every instance and says so only when the last one is gone', async () => {
    const { ask, instances, answers, secondsPassed } = world({ 'i-1': 10, 'i-2': 200, 'i-3': 40 });
    await ask('Delete');
    expect(instances()).toEqual([]);
    expect(secondsPassed()).toBeGreaterThanOrEqual(200);
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
  });

  it('ends an instance too that a launch under way brings after the first look', async () => {
    const { ask, instances, afterSeconds, launch, answers } = world();
    afterSeconds(25, () => launch('i-late'));
    await ask('Delete');
    expect(instances()).toEqual([]);
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
  });

  it('goes on after throttling', async () => {
    const { ask, ports, instances, answers } = world({ 'i-1': 10 });
    let calls = 0;
    const list = async () => {
      calls += 1;
      if (calls <= 3) throw new Error('RequestLimitExceeded');
      return ports.instances.list();
    };
    await ask('Delete', { instances: { ...ports.instances, list } });
    expect([instances(), answers[0]?.Status]).toEqual([[], 'SUCCESS']);
  });

  it('fails in time, and names what is left, when an instance does not end; GitLab is cleaned nevertheless', async () => {
    const { ask, answers, secondsPassed, addRunner, gitlab } = world({ 'i-1': 10, 'i-metal': 3_600 });
    await addRunner('ci', 1);
    await ask('Delete');
    expect(answers).toMatchObject([{ Status: 'FAILED', Reason: expect.stringMatching(/i-metal.*once more/) }]);
    expect(answers[0]?.Reason).not.toContain('i-1,');
    expect(secondsPassed()).toBeLessThan(lambdaSeconds - 30);
    expect(gitlab.runners.size).toBe(0);
  });

  it('may be asked again, and then has nothing to do', async () => {
    const { ask, answers } = world({ 'i-1': 10 });
    await ask('Delete');
    await ask('Delete');
    expect(answers.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS']);
  });
});

describe('the runners in GitLab', () => {
  it('go when they are the deployment’s, known to the table or not, and nobody else’s do', async () => {
    const { ask, addRunner, gitlab, store } = world();
    const { runnerId } = await addRunner('ci', 1);
    await addRunner('ci', 2);
    await addRunner('ci-west', 3);
    const stranger = {
      projectId: 7,
      description: 'ci of somebody',
      maintenanceNote: '',
      tags: [],
      maximumTimeoutSeconds: 600,
    };
    await gitlab.createRunner(stranger);
    store.items.set('job#7#1', runnerItem({ state: 'RUNNING', runnerId }));
    await ask('Delete');
    expect([...gitlab.runners.values()].map(({ description }) => description)).toEqual([
      'ci-west ec2 for job 3',
      'ci of somebody',
    ]);
  });

  it.each([
    ['is down', new GitLabUnavailableError('no answer')],
    ['refuses', new GitLabRefusedError('401 Unauthorized')],
    ['never got a token, as after a first creation that failed', new SecretUnavailableError('no token yet')],
  ])('are left, and named in the log, when GitLab %s: the instances end and the stack goes', async (_, error) => {
    const { ask, ports, addRunner, store, answers, instances, secondsPassed } = world({ 'i-1': 10 });
    const { runnerId } = await addRunner('ci', 1);
    store.items.set('job#7#1', runnerItem({ state: 'RUNNING', runnerId }));
    const refuse = () => Promise.reject(error);
    await ask('Delete', { ...ports, gitlab: { findRunners: refuse, maintenanceNoteOf: refuse, removeRunner: refuse } });
    expect([instances(), answers[0]?.Status]).toEqual([[], 'SUCCESS']);
    expect(secondsPassed()).toBeLessThan(60);
  });

  it('do not hold the stack for longer than GitLab gets, however slowly it refuses', async () => {
    const { ask, clock, addRunner, store, answers, secondsPassed, gitlab } = world();
    for (let job = 1; job <= 100; job += 1) {
      const { runnerId } = await addRunner('ci', job);
      store.items.set(`job#7#${job}`, runnerItem({ jobId: job, state: 'RUNNING', runnerId }));
    }
    const refuse = async () => {
      clock.milliseconds += 13_000;
      throw new GitLabUnavailableError('no answer');
    };
    await ask('Delete', { gitlab: { findRunners: refuse, maintenanceNoteOf: refuse, removeRunner: refuse } });
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
    expect(secondsPassed()).toBeLessThan(160);
    expect(gitlab.runners.size).toBe(100);
  });

  it('go although one of them cannot be removed', async () => {
    const { ask, ports, addRunner, gitlab } = world();
    const { runnerId: stubborn } = await addRunner('ci', 1);
    await addRunner('ci', 2);
    const removeRunner = (runnerId: number) =>
      runnerId === stubborn ? Promise.reject(new GitLabRefusedError('403')) : gitlab.removeRunner(runnerId);
    await ask('Delete', { gitlab: { ...ports.gitlab, removeRunner } });
    expect([...gitlab.runners.keys()]).toEqual([stubborn]);
  });
});
