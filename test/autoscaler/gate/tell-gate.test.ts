import { expect, it } from 'vitest';
import { tellGate } from '../../../autoscaler/gate/tell-gate.ts';
import { emptyGate } from '../../../autoscaler/runner-store/gate-item.ts';
import { pendingJob } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';

const turns = [{ runnerOf: 'job#7#9', attempt: 1, jobId: 9 }] as const;

/** What is told and read when something happens to a job about which these are known. */
async function tell(about: Parameters<typeof tellGate>[1], gate = { ...emptyGate(7), turns: [...turns] }) {
  const bus = inMemoryBus();
  let reads = 0;
  const readGate = async () => {
    reads += 1;
    return gate;
  };
  await tellGate(pendingJob(), about, { bus, store: { readGate } });
  return { told: bus.told.length, reads };
}

it.each([
  ['a job that waits for nobody, and for which nobody waits', [{}], { told: 0, reads: 0 }],
  ['a gated job', [{ gated: true }], { told: 1, reads: 0 }],
  ['a gated runner that took a job that is not ours', [null, { gated: true }], { told: 1, reads: 0 }],
  ['a job for which others may wait', [{ awaited: true }], { told: 1, reads: 1 }],
  ['a job that is not ours', [], { told: 1, reads: 1 }],
] as const)('%s is told to the gate, or is not', async (_what, about, outcome) => {
  expect(await tell(about)).toEqual(outcome);
});

it('a job that is not ours is not told where nobody waits', async () => {
  expect(await tell([], { ...emptyGate(7), turns: [] })).toEqual({ told: 0, reads: 1 });
});
