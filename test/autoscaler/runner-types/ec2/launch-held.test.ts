import { expect, it } from 'vitest';
import { nameOf } from '../../../support/builders.ts';
import { launchWorld } from './launch-world.ts';

const gated = { gated: true } as const;

it('a host whose turn has not come finds that it is held, and its ticket stays where no host reaches it', async () => {
  const { request, deliver, item, store } = launchWorld();
  request([1], 'default', gated);
  expect(await deliver()).toEqual([]);
  const { instanceId } = item(1) ?? {};
  expect(item(1)).toMatchObject({ state: 'LAUNCHED', ticketId: 'job#7#1' });
  expect(store.tickets.get(nameOf(instanceId))).toMatchObject({ token: '', mode: 'held', job: 'job#7#1' });
  expect(store.tickets.get('job#7#1')?.token).not.toBe('');
});

it('a host whose turn has come gets its ticket as any other', async () => {
  const { request, deliver, item, store, faults } = launchWorld();
  request([1], 'default', { ...gated, turnAt: '2030-01-01T00:00:00.000Z' });
  await deliver();
  const { instanceId } = item(1) ?? {};
  expect(store.tickets.get(nameOf(instanceId))?.token).not.toBe('');
  expect(faults()).toEqual([]);
});

it('a turn that comes while the instance is given counts', async () => {
  const { request, deliver, item, store, faults } = launchWorld();
  request([1], 'default', gated);
  let writes = 0;
  await deliver({
    store: {
      ...store,
      async write(...parts) {
        writes += 1;
        const isGift = parts.some((part) => part.kind === 'put-ticket');
        const it = item(1);
        if (isGift && it && writes > 2) store.items.set(it.pk, { ...it, turnAt: '2030-01-01T00:00:00.000Z' });
        return store.write(...parts);
      },
    },
  });
  expect(item(1)).toMatchObject({ state: 'LAUNCHED', ticketId: nameOf(item(1)?.instanceId) });
  expect(faults()).toEqual([]);
});

it('an instance of a job that waits for nobody is given with one write', async () => {
  const { request, deliver, store } = launchWorld();
  request([1]);
  const reads: string[] = [];
  await deliver({
    store: {
      ...store,
      async read(job) {
        reads.push(job);
        return store.read(job);
      },
    },
  });
  // For the message before the launch and after it, as ever.
  expect(reads).toEqual(['job#7#1', 'job#7#1']);
});
