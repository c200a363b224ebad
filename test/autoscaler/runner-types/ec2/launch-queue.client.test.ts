import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { mostReceives } from '../../../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { createLaunchQueue } from '../../../../autoscaler/runner-types/ec2/launch-queue.client.ts';
import { launchRequestSchema } from '../../../../autoscaler/runner-types/ec2/launch-request.ts';
import { createLaunchRequests } from '../../../../autoscaler/runner-types/ec2/launch-requests.client.ts';
import { launchRequestOf } from '../../../../autoscaler/runner-types/ec2/launch-requests.ts';
import { abandonRunnerInput } from '../../../../autoscaler/start-runner/start-runner-input.ts';
import { ticketLifeSeconds } from '../../../../infrastructure/kit/runner-ticket.ts';
import { runnerItem } from '../../../support/builders.ts';

type Sent = { readonly input: Record<string, unknown> };

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The launch queue over an SQS and an EventBridge that keep what they were asked. */
function launchQueue(answer: object = {}) {
  const sent: Record<string, unknown>[] = [];
  const send = async (command: Sent) => {
    sent.push(command.input);
    return answer;
  };
  vi.spyOn(SQSClient.prototype, 'send').mockImplementation(send as never);
  vi.spyOn(EventBridgeClient.prototype, 'send').mockImplementation(send as never);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  const busArn = 'arn:aws:events:eu-west-1:123456789012:event-bus/ci';
  return { sent, queue: createLaunchQueue({ queueUrl: 'https://sqs.invalid/requests', eventBusArn: busArn }) };
}

describe('a message that comes back', () => {
  const waitsFor = async (random: number, ...receives: readonly number[]) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    const { sent, queue } = launchQueue();
    for (const count of receives) await queue.comeBackSoon(`receipt ${count}`, count);
    expect(sent).toMatchObject(
      receives.map((count) => ({ QueueUrl: 'https://sqs.invalid/requests', ReceiptHandle: `receipt ${count}` })),
    );
    return sent.map(({ VisibilityTimeout }) => VisibilityTimeout);
  };

  it('waits longer each time, a minute at most', async () => {
    expect(await waitsFor(0.999, 1, 2, 3, 4, 5, 6, 20)).toEqual([4, 8, 16, 32, 60, 60, 60]);
  });

  it('waits at least half as long, and never not at all, so that messages do not come back together', async () => {
    expect(await waitsFor(0, 1, 2, 5, 20)).toEqual([2, 4, 30, 30]);
  });
});

describe('the ticket of a runner', () => {
  it('is still there when the launcher tries for the last time', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const { sent, queue } = launchQueue();
    for (let receives = 1; receives < mostReceives; receives += 1) await queue.comeBackSoon('receipt', receives);
    const longest = sent.reduce((sum, { VisibilityTimeout }) => sum + Number(VisibilityTimeout), 0);
    expect(ticketLifeSeconds).toBeGreaterThan(longest);
  });
});

describe('a launch request', () => {
  it('is one message of the queue, as the launcher reads it', async () => {
    const { sent } = launchQueue();
    const item = runnerItem({ attempt: 2, profile: 'large', onDemandOnly: true });
    const request = launchRequestOf(item);
    if (!request) throw new Error('the item names no job');
    await createLaunchRequests('https://sqs.invalid/requests').send(request);
    expect(sent).toMatchObject([{ QueueUrl: 'https://sqs.invalid/requests' }]);
    expect(launchRequestSchema.parse(JSON.parse(String(sent[0]?.MessageBody)))).toEqual({
      projectId: 7,
      jobId: 1,
      attempt: 2,
      profile: 'large',
      onDemandOnly: true,
    });
  });
});

describe('a failed launch', () => {
  const requests = [1, 2].map((jobId) => ({ projectId: 7, jobId, attempt: 2, profile: 'default' }));
  const error = Object.assign(new Error('no capacity in 20 tries'), { name: 'NoCapacityError' });

  it('is told to the bus for each job, as the AbandonRunner workflow takes it', async () => {
    const { sent, queue } = launchQueue();
    await queue.reportFailed(requests, error);
    const entries = sent[0]?.Entries as readonly { Detail: string; DetailType: string; Source: string }[];
    expect(entries.map(({ DetailType, Source }) => [DetailType, Source])).toEqual([
      ['Runner Failed', 'gitlab-runners-on-demand'],
      ['Runner Failed', 'gitlab-runners-on-demand'],
    ]);
    const details = entries.map(({ Detail }) => z.parse(abandonRunnerInput, JSON.parse(Detail)));
    expect(details).toEqual([
      { projectId: 7, jobId: 1, attempt: 2, event: null, error: 'NoCapacityError', cause: 'no capacity in 20 tries' },
      { projectId: 7, jobId: 2, attempt: 2, event: null, error: 'NoCapacityError', cause: 'no capacity in 20 tries' },
    ]);
  });

  it('that the bus does not take is an error, so that its message comes again', async () => {
    const { queue } = launchQueue({ FailedEntryCount: 1 });
    await expect(queue.reportFailed(requests, error)).rejects.toMatchObject({
      name: 'EventNotAcceptedError',
      message: 'PutEvents refused 1 of 2 events',
    });
  });
});
