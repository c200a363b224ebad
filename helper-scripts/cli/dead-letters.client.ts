import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { autoscalerParameters, type DeadLetterQueues } from '../../autoscaler/exports.ts';
import { type DeadLetter, deadLetterOf, type EventToSend, eventOf } from './dead-letter.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';

/** While we look at messages, nobody else gets them; afterwards they are as before. */
const lookSeconds = 60;

export type DeadLetterQueue = {
  readonly name: string;
  /** At most so many, oldest first as far as SQS gives them; they stay in the queue. */
  look(limit: number): Promise<readonly DeadLetter[]>;
  /** The same, for {@link redrive}: nobody else gets them for a minute. */
  take(limit: number): Promise<readonly DeadLetter[]>;
  /** Sends one again to where it could not be handled, and takes it out of the queue when that went well. */
  redrive(letter: DeadLetter): Promise<void>;
};

/** An event could not be sent again; it stays a dead letter. */
class NotSentAgainError extends Error {
  override readonly name = 'NotSentAgainError';
}

/** The dead-letter queues of the deployment that the options of the command line name. */
export async function openDeadLetterQueues(options: DeploymentOptions): Promise<readonly DeadLetterQueue[]> {
  const deployment = await deploymentNameOf(options);
  const published = await readParameter(autoscalerParameters(deployment).deadLetterQueues, new SSMClient({}));
  const sqs = new SQSClient({});
  const bus = new EventBridgeClient({});
  return Object.entries(JSON.parse(published) as DeadLetterQueues).map(([name, { url, to, target }]) => ({
    name,
    async look(limit) {
      const messages = await receive(sqs, url, limit);
      await giveBack(sqs, url, messages);
      return messages.map((message) => deadLetterOf(name, message));
    },
    take: async (limit) => (await receive(sqs, url, limit)).map((message) => deadLetterOf(name, message)),
    async redrive({ id, body, receiptHandle }) {
      if (to === 'queue') await sqs.send(new SendMessageCommand({ QueueUrl: target, MessageBody: body }));
      else await putEvent(bus, target, eventOf(body), id);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receiptHandle }));
    },
  }));
}

async function receive(sqs: SQSClient, url: string, limit: number): Promise<readonly Message[]> {
  const messages = new Map<string, Message>();
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: Math.min(10, limit - messages.size),
        VisibilityTimeout: lookSeconds,
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    );
    const fresh = Messages.filter(({ MessageId = '' }) => !messages.has(MessageId));
    for (const message of fresh) messages.set(message.MessageId ?? '', message);
    if (fresh.length === 0 || messages.size >= limit) break;
  }
  return [...messages.values()];
}

async function giveBack(sqs: SQSClient, url: string, found: readonly Message[]): Promise<void> {
  for (let from = 0; from < found.length; from += 10) {
    const Entries = found
      .slice(from, from + 10)
      .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
  }
}

async function putEvent(bus: EventBridgeClient, eventBusArn: string, event: EventToSend | null, id: string) {
  if (!event) throw new NotSentAgainError(`The dead letter ${id} is no event of ours, and stays where it is`);
  const entry = { EventBusName: eventBusArn, Source: event.source, DetailType: event.type, Detail: event.detail };
  const { FailedEntryCount, Entries = [] } = await bus.send(new PutEventsCommand({ Entries: [entry] }));
  if (FailedEntryCount) throw new NotSentAgainError(`The bus refused the dead letter ${id}: ${Entries[0]?.ErrorCode}`);
}
