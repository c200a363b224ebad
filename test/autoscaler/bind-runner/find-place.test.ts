import { describe, expect, it } from 'vitest';
import { findPlace } from '../../../autoscaler/bind-runner/find-place.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { NamedJob } from '../../../infrastructure/lib/gitlab-listings.ts';
import { gitlabJob, jobMapping, runningJob } from '../../support/builders.ts';

async function placeOf(mappings: readonly JobMapping[], job: Partial<NamedJob> = {}) {
  const offer = {
    profiles: { default: { type: 'EC2', timeoutMinutes: 60 } },
    defaultRunner: { type: 'IGNORE' },
  } as const;
  const told = gitlabJob({ status: 'running', ...job });
  return findPlace(runningJob(), told, { mappings: { read: async () => ({ mappings }) }, offer });
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
});
