import { describe, expect, it } from 'vitest';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { JobView } from '../../../helper-scripts/local-gitlab/job-view.ts';
import { jobRowHead, jobRows } from '../../../helper-scripts/local-run/job-rows.ts';
import { Placements } from '../../../helper-scripts/local-run/placements.ts';
import { runnerItem } from '../../support/builders.ts';

const at = new Date('2030-01-01T00:00:00.000Z');

function job(id: number, changes: Partial<JobView> = {}): JobView {
  return {
    id,
    projectId: 7,
    pipelineId: 1,
    name: `job ${id}`,
    stage: 'test',
    tags: ['aws'],
    status: 'success',
    failureReason: null,
    exitCode: null,
    logIsWhole: null,
    runnerId: 100 + id,
    runnerDescription: null,
    systemId: null,
    createdAt: at,
    queuedAt: at,
    startedAt: at,
    finishedAt: at,
    retriesCount: 0,
    retried: false,
    ...changes,
  };
}

function lookedAt(jobs: readonly JobView[], ...looks: readonly (readonly RunnerItem[])[]) {
  const placements = new Placements('local');
  for (const items of looks) placements.look(jobs, items);
  return placements;
}
const misplaced = { job: 'job#7#2', type: 'EC2', profile: 'default', mapping: null } as const;
const wrongRunner = runnerItem({ jobId: 1, type: 'LAMBDA', profile: 'shell', takenJob: 'job#7#2', misplaced });

describe('the table of `npm start`', () => {
  it('says of a job that runs on the wrong runner where it should run, also when that runner’s item has begun its next attempt', () => {
    const jobs = [job(1), job(2)];
    const again = runnerItem({ jobId: 1, attempt: 2 });
    const placements = lookedAt(jobs, [wrongRunner], [again]);
    expect(jobRows(jobs, [again], placements).map((row) => row[jobRowHead.indexOf('as mapped')])).toEqual([
      'yes',
      'no: EC2 default',
    ]);
    expect(placements.faults(jobs)).toEqual(['job "job 2" ran on LAMBDA shell instead of EC2 default']);
  });

  it('says so too of a job of ours that somebody else’s runner took', () => {
    const jobs = [job(1, { runnerDescription: 'shared-runner' }), job(2, { runnerDescription: 'local ec2 for job 2' })];
    const placements = lookedAt(jobs, [runnerItem({ jobId: 1 }), runnerItem({ jobId: 2 })]);
    expect(placements.faults(jobs)).toEqual(['job "job 1" ran on shared-runner instead of EC2 default']);
  });

  it('takes a job that is left to others for right on theirs, and says nothing of one that never ran', () => {
    const jobs = [job(1, { runnerDescription: 'shared-runner' }), job(2, { startedAt: null, status: 'canceled' })];
    const placements = lookedAt(jobs, []);
    expect(jobs.map((one) => placements.ofJob(one))).toEqual(['yes', '']);
    expect(placements.faults(jobs)).toEqual([]);
  });
});
