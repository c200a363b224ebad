import { describe, expect, it } from 'vitest';
import { generateSchedule } from './generate-schedule.ts';
import { mutants } from './mutants.ts';
import { runSchedule } from './run-schedule.ts';
import { shrinkSchedule } from './shrink-schedule.ts';

/** As many as `simulation.test.ts` runs of the real code. */
const mostSchedules = 2_100;

async function find(name: string) {
  for (let seed = 1; seed <= mostSchedules; seed += 1) {
    const schedule = generateSchedule(seed);
    const report = await runSchedule(schedule, mutants[name]);
    if (report.violation) return { schedule, report };
  }
  return null;
}

describe('a bug that is planted', () => {
  it.each(Object.keys(mutants))('is found: %s', async (name) => {
    expect((await find(name))?.report.violation?.what).toEqual(expect.any(String));
  });

  it('is shown by the shortest schedule found', async () => {
    const name = 'a ticket can be read twice';
    const found = await find(name);
    if (!found) throw new Error('The bug was not found');
    const { schedule, report } = await shrinkSchedule(found.schedule, found.report, mutants[name]);
    expect(schedule.jobs).toHaveLength(1);
    expect(schedule.faults.map(({ kind }) => kind)).toEqual(['function-repeated']);
    expect(report.violation?.invariant).toBe(found.report.violation?.invariant);
  });
});
