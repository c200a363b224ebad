import type * as z from 'zod/mini';
import { type LambdaContext, lambdaHandler } from '../../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createInstanceTagger, type InstanceTagger } from './instance-tagger.client.ts';
import { tagBatchSchema, tagMessageSchema } from './tag-instances-input.ts';

export type TagInstancesPorts = {
  readonly tagger: InstanceTagger;
  readonly sleep: (milliseconds: number) => Promise<void>;
};

/** CreateTags is refilled five times a second; two of us leave a share to people at the console and to other tools. */
export const pauseMilliseconds = 500;

/**
 * Gives instances the tags of their jobs, one after the other and never faster than EC2 likes. Best effort: whatever
 * fails (the instance may be gone, EC2 may be busy) is logged and left, for nothing depends on these tags.
 */
export async function tagInstances(
  { Records }: z.infer<typeof tagBatchSchema>,
  { tagger, sleep }: TagInstancesPorts,
  { log }: LambdaContext,
): Promise<void> {
  for (const { body } of Records) {
    for (const { instanceId, tags } of tagMessageSchema.parse(JSON.parse(body)).instances) {
      await tagger
        .tag(instanceId, tags)
        .catch((error: unknown) => log.warn('instance not tagged', { instanceId, error }));
      await sleep(pauseMilliseconds);
    }
  }
}

export const handler = lambdaHandler({
  input: tagBatchSchema,
  ports: () => ({
    tagger: createInstanceTagger(),
    sleep: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  }),
  work: tagInstances,
});
