import * as z from 'zod/mini';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../infrastructure/kit/lambda/lambda-handler.client.ts';
import { type RemovalOutcome, type RemovalRequest, removalRequestSchema, renderAnswer } from './image-removal.ts';
import { createImages, type Images } from './images.client.ts';
import { answerCloudFormation, isStackBeingDeleted } from './stack.client.ts';

export type RemoveImagesPorts = {
  readonly images: Images;
  readonly isStackBeingDeleted: (stackId: string) => Promise<boolean>;
  readonly answer: (url: string, body: object) => Promise<void>;
};

/**
 * Custom resource that removes a deployment's images when its stack is destroyed. Trigger: CloudFormation creates,
 * changes or deletes it. It is deleted as well when somebody no longer wants it (`onDestroy: 'keep'`), and then every
 * image must stay: only a stack that is itself being deleted takes its images along. Steps: look at the stack;
 * deregister each image and delete its snapshots; delete the parameters; answer. It answers whatever happens, since
 * CloudFormation would wait for an hour.
 */
export async function removeImages(request: RemovalRequest, ports: RemoveImagesPorts, context: LambdaContext) {
  const outcome = await remove(request, ports, context).catch(
    (error: unknown): RemovalOutcome => ({
      status: 'FAILED',
      reason: `Runner images could not be removed: ${error instanceof Error ? error.message : String(error)}. Destroy the stack again.`,
    }),
  );
  if (outcome.status === 'FAILED') context.log.error('images not removed', { reason: outcome.reason });
  await ports.answer(request.ResponseURL, renderAnswer(request, outcome));
}

async function remove(
  { RequestType, StackId }: RemovalRequest,
  { images, isStackBeingDeleted }: RemoveImagesPorts,
  { log }: LambdaContext,
): Promise<RemovalOutcome> {
  if (RequestType !== 'Delete' || !(await isStackBeingDeleted(StackId))) return { status: 'SUCCESS' };
  for (const imageId of await images.list()) {
    await images.remove(imageId);
    log.info('image removed', { imageId });
  }
  await images.forget();
  return { status: 'SUCCESS' };
}

const environmentSchema = z.object({ DEPLOYMENT: z.string(), IMAGE_PARAMETERS: z.string() });

export const handler = lambdaHandler({
  input: removalRequestSchema,
  ports: () => {
    const { DEPLOYMENT, IMAGE_PARAMETERS } = readEnvironment(environmentSchema);
    return {
      images: createImages(DEPLOYMENT, IMAGE_PARAMETERS.split(',')),
      isStackBeingDeleted,
      answer: answerCloudFormation,
    };
  },
  work: removeImages,
});
