import { describe, expect, it } from 'vitest';
import { generateSchedule } from './generate-schedule.ts';
import { runSchedule } from './run-schedule.ts';
import { describeViolation } from './schedule-text.ts';
import { shrinkSchedule } from './shrink-schedule.ts';

const fixedSchedules = 2_100;
const randomSchedules = 150;
const inOneTest = 150;

/** The violations of so many schedules, the shortest schedule found for each. */
async function violationsOf(firstSeed: number, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + count && found.length < 3; seed += 1) {
    const schedule = generateSchedule(seed);
    const report = await runSchedule(schedule);
    if (report.violation) found.push(describeViolation(await shrinkSchedule(schedule, report)));
  }
  return found;
}

describe('under loss, duplication, delay, reordering, crashes and outages, nothing is lost and nothing is left', () => {
  const starts = Array.from({ length: fixedSchedules / inOneTest }, (_, index) => 1 + index * inOneTest);

  it.each(starts)(`in ${inOneTest} schedules from seed %i`, async (seed) => {
    expect(await violationsOf(seed, inOneTest)).toEqual([]);
  });

  it('in some schedules that nobody has seen before', async () => {
    const seed = Date.now() % 1_000_000_000;
    console.info(`Simulated at random: npm run simulate -- --seed ${seed} --runs ${randomSchedules}`);
    expect(await violationsOf(seed, randomSchedules)).toEqual([]);
  });
});

describe('a simulated run', () => {
  it('is the same for the same schedule', async () => {
    const told = async () => {
      const lines: string[] = [];
      const report = await runSchedule(generateSchedule(4), undefined, (at, line) => lines.push(`${at} ${line}`));
      return { lines, report };
    };
    const first = await told();
    expect(first.lines.length).toBeGreaterThan(20);
    expect(await told()).toEqual(first);
  });

  it('gives the jobs that it can their runners, and says how long the slowest waited', async () => {
    const calm = { ...generateSchedule(1), faults: [] };
    const { worstWaitSeconds, virtualSeconds } = await runSchedule(calm);
    expect(worstWaitSeconds).toBeGreaterThan(3);
    expect(worstWaitSeconds).toBeLessThan(virtualSeconds);
  });
});
