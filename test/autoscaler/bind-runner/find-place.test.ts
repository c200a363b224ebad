import { describe, expect, it } from 'vitest';
import { findPlace } from '../../../autoscaler/bind-runner/find-place.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { NamedJob } from '../../../infrastructure/gitlab/gitlab-listings.ts';
import { gitlabJob, jobMapping, runnerItem, runningJob } from '../../support/builders.ts';

async function placeOf(mappings: readonly JobMapping[], job: Partial<NamedJob> = {}, runner: Partial<RunnerItem> = {}) {
  const offer = {
    profiles: {
      default: { type: 'EC2', timeoutMinutes: 60 },
      deploy: { type: 'EC2', timeoutMinutes: 60, accessLevel: 'ref_protected' },
    },
    defaultRunner: { type: 'IGNORE' },
  } as const;
  const told = gitlabJob({ status: 'running', ...job });
  const ports = { mappings: { read: async () => ({ mappings }) }, offer };
  return findPlace(runningJob(), told, runnerItem({ profile: 'default', ...runner }), ports);
}
const toEc2 = (changes: Partial<JobMapping>) =>
  jobMapping({ id: 'row', target: { type: 'EC2', profile: 'default' }, ...changes });

describe('where the mappings send a job that our table does not know', () => {
  it('is decided with the tags that GitLab says', async () => {
    const mappings = [toEc2({ jobName: '*', tags: ['aws'] })];
    expect(await placeOf(mappings, { tags: ['aws'] })).toEqual({ type: 'EC2', profile: 'default', mapping: 'row' });
    expect(await placeOf(mappings)).toEqual({ type: 'IGNORE', profile: null, mapping: null });
  });

  it('is decided with GitLab’s name of the job, whatever the event calls it', async () => {
    const mappings = [toEc2({ jobName: 'build', tags: [] })];
    expect(await placeOf(mappings)).toMatchObject({ profile: 'default' });
    expect(await placeOf(mappings, { name: 'lint' })).toMatchObject({ type: 'IGNORE' });
  });

  it('cannot be told by a row that names what was not deployed', async () => {
    const undeployed = toEc2({ jobName: '*', tags: [], target: { type: 'EC2', profile: 'nowhere' } });
    expect(await placeOf([undeployed])).toBeNull();
  });

  it('is decided with what its runner says of its protection', async () => {
    const deploy = jobMapping({ id: 'deploy', isProtected: true, target: { type: 'EC2', profile: 'deploy' } });
    const mappings = [toEc2({ jobName: '*', tags: [] }), deploy];
    const main = { ref: 'main' };
    const event = { ...runningJob(), ...main };
    expect(await placeOf(mappings, main, { accessLevel: 'ref_protected' })).toMatchObject({ mapping: 'deploy' });
    expect(await placeOf(mappings, main, { event, isProtected: true })).toMatchObject({ mapping: 'deploy' });
    expect(await placeOf(mappings, { ref: 'topic' }, { event, isProtected: true })).toMatchObject({ mapping: 'row' });
    expect(await placeOf(mappings, main)).toMatchObject({ mapping: 'row' });
  });
});
