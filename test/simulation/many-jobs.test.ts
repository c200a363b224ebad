import { describe, expect, it } from 'vitest';
import { burst, manyJobs } from './many-jobs.ts';
import { runSchedule } from './run-schedule.ts';

/** What a place that becomes free may wait for the next look, and a boot. */
const nextStartSeconds = 3 * 60;

describe('under a limit that is not enough for all jobs at once, each has its runner when its turn has come', () => {
  it.each([1, 2, 3])(
    'six jobs of 25 minutes on two instances, as the account’s quota has it (seed %i)',
    async (seed) => {
      const minutes = 25;
      const jobs = { jobs: 6, withinSeconds: 10, shortestSeconds: minutes * 60, longestSeconds: minutes * 60 };
      const report = await runSchedule(manyJobs(seed, jobs, { kind: 'instances-limited', most: 2 }));
      expect(report.violation).toBeNull();
      // The last two come after two others each.
      expect(report.worstWaitSeconds).toBeGreaterThan(2 * minutes * 60);
      expect(report.worstWaitSeconds).toBeLessThan(2 * (minutes * 60 + nextStartSeconds));
    },
  );

  it('80 jobs where GitLab has 50 runners at most', async () => {
    const jobs = { jobs: 80, withinSeconds: 20, shortestSeconds: 60, longestSeconds: 120 };
    const report = await runSchedule(manyJobs(1, jobs, { kind: 'runners-limited', most: 50 }));
    expect(report.violation).toBeNull();
    expect(report.faults.get('runners-limited')).toBeGreaterThan(80);
    expect(report.worstWaitSeconds).toBeGreaterThan(60);
    expect(report.worstWaitSeconds).toBeLessThan(120 + nextStartSeconds);
  });

  it('a burst, where GitLab takes four calls a minute for three of its jobs', async () => {
    const report = await runSchedule(burst(1, 150));
    expect(report.violation).toBeNull();
    expect(report.faults.get('call-refused')).toBeGreaterThan(0);
    expect(report.worstWaitSeconds).toBeLessThan(60 + nextStartSeconds);
  });
});
