import { expect, it } from 'vitest';
import { runnerItem } from '../../support/builders.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { describeRunnersStore } from './runners-store.contract.ts';

describeRunnersStore('the runners’ tables in memory', () => ({
  store: inMemoryRunnersStore(),
  reset: async () => {},
}));

it('a write that names an item twice is a mistake, as it is to DynamoDB', async () => {
  const store = inMemoryRunnersStore(runnerItem());
  const update = { kind: 'update', job: 'job#7#1', from: ['ADMITTED'], set: { state: 'STOPPING' } } as const;
  await expect(store.write(update, update)).rejects.toThrow('names an item twice: job#7#1');
  expect(store.items.get('job#7#1')).toEqual(runnerItem());
});
