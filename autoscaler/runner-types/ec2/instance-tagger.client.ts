import { CreateTagsCommand, EC2Client } from '@aws-sdk/client-ec2';

export type InstanceTagger = {
  /** Adds tags to an instance that exists. */
  tag(instanceId: string, tags: Readonly<Record<string, string>>): Promise<void>;
};

/** EC2's tags, as the environment addresses it. A call that is throttled is not made again: nothing depends on it. */
export function createInstanceTagger(ec2: Pick<EC2Client, 'send'> = new EC2Client({ maxAttempts: 1 })): InstanceTagger {
  return {
    async tag(instanceId, tags) {
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags }));
    },
  };
}
