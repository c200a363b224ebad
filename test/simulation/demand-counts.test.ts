import { expect, it } from 'vitest';
import { alikeJobs, canceledWhileBooting, underCap } from './measure-demand.ts';

it('of jobs that are canceled together while their hosts boot, each ends one runner', async () => {
  const jobs = 60;
  const { report, drains, gitlabCalls } = await canceledWhileBooting(1, jobs);
  expect(report.violation).toBeNull();
  expect(drains).toBe(jobs);
  // Two to start each, one to hear that it is over and one to end it, since no host has its token yet.
  expect(gitlabCalls / jobs).toBeLessThanOrEqual(4.2);
});

it('alike jobs that take each other’s runners read little more than themselves', async () => {
  const jobs = 80;
  const { report, readUnits } = await alikeJobs(1, jobs);
  expect(report.violation).toBeNull();
  expect(readUnits / jobs).toBeLessThanOrEqual(15);
});

it('jobs that wait under a cap are called one by one as places become free, without the reconciler', async () => {
  const { report } = await underCap(1, 80, 20);
  expect(report.violation).toBeNull();
  expect([...report.repairs.keys()]).not.toContain('start-waiting-job');
  // Four rounds of a minute; the simulated calls between them take their time.
  expect(report.worstWaitSeconds).toBeLessThanOrEqual(4 * 60);
});
