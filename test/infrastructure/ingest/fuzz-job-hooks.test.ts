import { expect, it } from 'vitest';
import { fuzzJobHooks } from './fuzz-job-hooks.ts';

// The command beside this file sends 100,000.
it.each([
  ['of a fixed seed', 1, 1_500],
  ['of a new seed', Math.floor(Math.random() * 1e9), 300],
])(
  'random and mutated hooks %s (%i) get documented answers alone, and authentic ones are never refused',
  async (_, seed, count) => {
    const { answers, faults } = await fuzzJobHooks(seed, count);
    expect(faults).toEqual([]);
    expect([...answers.keys()].sort()).toEqual(expect.arrayContaining([200, 202, 400, 401]));
  },
);
