import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { autoscalerParameters, type DeadLetterQueues } from '../../../autoscaler/exports.ts';
import { inLocalAws } from '../../../helper-scripts/local-aws/local-aws-environment.ts';
import { jobEventSource } from '../../../infrastructure/kit/job-event-types.ts';
import { pendingJob } from '../../support/builders.ts';
import { startTestAws } from '../local-aws/start-test-aws.ts';
import { runCli } from './cli-world.ts';

let world: Awaited<ReturnType<typeof startWorld>>;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());
beforeEach(() => world.empty());

/** A local AWS with the two dead-letter queues, what they belong to, and a queue that hears what is on the bus. */
async function startWorld() {
  const aws = await startTestAws();
  const connection = {
    endpoint: aws.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const sqs = new SQSClient(connection);
  const events = new EventBridgeClient(connection);
  const newQueue = async (QueueName: string) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '';
  const [eventLetters = '', launchLetters = '', launches = '', heard = ''] = await Promise.all(
    ['event-letters', 'launch-letters', 'launches', 'heard'].map(newQueue),
  );
  const { EventBusArn = '' } = await events.send(new CreateEventBusCommand({ Name: 'jobs' }));
  const asked = { QueueUrl: heard, AttributeNames: ['QueueArn' as const] };
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand(asked));
  const rule = { Name: 'all', EventBusName: 'jobs', EventPattern: JSON.stringify({ source: [jobEventSource] }) };
  await events.send(new PutRuleCommand(rule));
  const Targets = [{ Id: 'heard', Arn: Attributes?.QueueArn ?? '' }];
  await events.send(new PutTargetsCommand({ Rule: 'all', EventBusName: 'jobs', Targets }));
  const queues: DeadLetterQueues = {
    events: { url: eventLetters, to: 'bus', target: EventBusArn },
    launches: { url: launchLetters, to: 'queue', target: launches },
  };
  const Name = autoscalerParameters('gitlab-runners').deadLetterQueues;
  await new SSMClient(connection).send(
    new PutParameterCommand({ Name, Value: JSON.stringify(queues), Type: 'String' }),
  );
  const environment = inLocalAws(process.env, aws);
  const send = (QueueUrl: string, body: unknown) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: typeof body === 'string' ? body : JSON.stringify(body) }));
  const bodies = async (QueueUrl: string): Promise<unknown[]> => {
    const request = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
    return Messages.map(({ Body = '' }) => (Body.startsWith('{') ? JSON.parse(Body) : Body));
  };
  return {
    cli: (...args: readonly string[]) => runCli(args, { environment }),
    eventLetter: (body: unknown) => send(eventLetters, body),
    launchLetter: (body: unknown) => send(launchLetters, body),
    letters: async () => [...(await bodies(eventLetters)), ...(await bodies(launchLetters))],
    heard: () => bodies(heard),
    launches: () => bodies(launches),
    async empty() {
      for (const QueueUrl of [eventLetters, launchLetters, launches, heard])
        await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    },
    stop: () => aws.stop(),
  };
}

const launch = { projectId: 7, jobId: 9, attempt: 1, profile: 'default' };
/** A dead letter of a rule, as EventBridge keeps it. */
const whole = { version: '0', source: jobEventSource, 'detail-type': 'Job Pending', detail: pendingJob({ jobId: 5 }) };

describe('dead-letters ls', () => {
  it('says that there are none', async () => {
    expect(await world.cli('dead-letters', 'ls')).toEqual({
      exitCode: 0,
      stdout: 'there are no dead letters\n',
      stderr: '',
    });
  });

  it('shows what lies where, and leaves it there', async () => {
    await world.eventLetter(whole);
    await world.eventLetter('not JSON at all');
    await world.launchLetter(launch);
    const { exitCode, stdout, stderr } = await world.cli('dead-letters', 'ls');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^queue +kind +job +age +error +id$/mu);
    expect(stdout).toMatch(/^events +Job Pending +7\/5 /mu);
    expect(stdout).toMatch(/^events +not readable /mu);
    expect(stdout).toMatch(/^launches +launch request +7\/9 /mu);

    const again = await world.cli('dead-letters', 'ls', '--queue', 'launches', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject([{ queue: 'launches', job: '7/9', body: JSON.stringify(launch) }]);
    expect(await world.letters()).toHaveLength(3);
  });

  it('refuses what it does not know', async () => {
    const queue = await world.cli('dead-letters', 'ls', '--queue', 'lunches');
    expect(queue).toMatchObject({ exitCode: 1, stdout: '' });
    expect(queue.stderr).toContain('name one of events, launches');
    const limit = await world.cli('dead-letters', 'ls', '--limit', 'many');
    expect(limit).toMatchObject({ exitCode: 1, stdout: '' });
    expect(limit.stderr).toContain('--limit many: give a whole number above zero');
  });
});

describe('dead-letters redrive', () => {
  it('puts events on the bus again, whole ones and bare details alike, and launches into their queue', async () => {
    await world.eventLetter(whole);
    await world.eventLetter(pendingJob({ jobId: 6, status: 'canceled' }));
    await world.launchLetter(launch);
    const outcome = await world.cli('dead-letters', 'redrive');
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).toContain('3 dead letters were sent again');
    await expect.poll(() => world.heard()).toHaveLength(2);
    expect(await world.heard()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ 'detail-type': 'Job Pending', detail: pendingJob({ jobId: 5 }) }),
        expect.objectContaining({
          'detail-type': 'Job Finished',
          detail: pendingJob({ jobId: 6, status: 'canceled' }),
        }),
      ]),
    );
    expect(await world.launches()).toEqual([launch]);
    expect(await world.letters()).toEqual([]);
  });

  it('leaves what it cannot send where it is, says so, and sends the rest', async () => {
    await world.eventLetter('not JSON at all');
    await world.eventLetter(whole);
    const outcome = await world.cli('dead-letters', 'redrive', '--queue', 'events');
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toContain('1 dead letter was sent again');
    expect(outcome.stderr).toMatch(/is no event of ours, and stays where it is/);
  });

  it('sends nothing when it is only to say what it would', async () => {
    await world.launchLetter(launch);
    const outcome = await world.cli('dead-letters', 'redrive', '--dry-run');
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^would send again: launches: launch request 7\/9 \(/u);
    expect(await world.letters()).toEqual([launch]);
    expect(await world.launches()).toEqual([]);
  });

  it('explains itself', async () => {
    const { exitCode, stdout } = await world.cli('dead-letters', 'redrive', '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('$ npm run -s cli -- dead-letters redrive --dry-run');
  });
});
