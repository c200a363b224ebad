import type { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createKnownLambdaLimit } from '../../../../autoscaler/runner-types/lambda/known-lambda-limit.client.ts';

/** The limit over a table of one item, and how often that was read. */
function limitWorld() {
  const world = { item: undefined as Record<string, unknown> | undefined, reads: 0, at: 0 };
  const dynamodb = {
    async send({ input }: GetCommand | PutCommand) {
      if ('Item' in input) {
        world.item = input.Item;
        return {};
      }
      world.reads += 1;
      return { Item: world.item };
    },
  };
  const limit = createKnownLambdaLimit(dynamodb as unknown as DynamoDBDocumentClient, 'the-runners', () => world.at);
  return { world, limit };
}

describe('the account’s limit as it is written down', () => {
  it('is the smallest there is, as long as nobody wrote one down', async () => {
    expect(await limitWorld().limit.read()).toBe(10);
  });

  it('is read once in ten seconds, and counts then when it was raised', async () => {
    const { world, limit } = limitWorld();
    await limit.write(50);
    expect(await limit.read()).toBe(50);
    await limit.write(1_000);
    world.at = 9_999;
    expect(await limit.read()).toBe(50);
    expect(world.reads).toBe(1);
    world.at = 10_000;
    expect(await limit.read()).toBe(1_000);
  });
});
