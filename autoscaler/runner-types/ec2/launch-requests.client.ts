import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { LaunchRequests } from './launch-requests.ts';

/** The launch queue, for whoever asks for an instance. */
export function createLaunchRequests(queueUrl: string, sqs = new SQSClient({})): LaunchRequests {
  return {
    async send(request) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(request) }));
    },
  };
}
