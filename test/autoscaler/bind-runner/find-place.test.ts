import { describe, expect, it } from 'vitest';
import { findPlace } from '../../../autoscaler/bind-runner/find-place.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { JobEvent } from '../../../infrastructure/lib/job-event.ts';
import { jobMapping, runningJob } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';

/** The in-memory GitLab calls every job "build". */
async function placeOf(
  mappings: readonly JobMapping[],
  { tags = [], ...event }: Partial<JobEvent> & { readonly tags?: readonly string[] } = {},
) {
  const gitlab = inMemoryGitLab();
  gitlab.setJob({ id: 1, status: 'running', tags });
  const offer = {
    profiles: { default: { type: 'EC2', timeoutMinutes: 60 } },
    defaultRunner: { type: 'IGNORE' },
  } as const;
  return findPlace(runningJob(event), { gitlab, mappings: { read: async () => ({ mappings }) }, offer });
}
const toEc2 = (changes: Partial<JobMapping>) =>
  jobMapping({ id: 'row', target: { type: 'EC2', profile: 'default' }, ...changes });

describe('where the mappings send a job that our table does not know', () => {
  it('is decided with the tags that GitLab says', async () => {
    const mappings = [toEc2({ jobName: '*', tags: ['aws'] })];
    expect(await placeOf(mappings, { tags: ['aws'] })).toEqual({ type: 'EC2', profile: 'default', mapping: 'row' });
    expect(await placeOf(mappings)).toEqual({ type: 'IGNORE', profile: null, mapping: null });
  });

  it('is decided with GitLab’s name of the job where the event has none', async () => {
    const mappings = [toEc2({ jobName: 'build', tags: [] })];
    expect(await placeOf(mappings, { jobName: '' })).toMatchObject({ profile: 'default' });
    expect(await placeOf(mappings, { jobName: 'lint' })).toMatchObject({ type: 'IGNORE' });
  });

  it('cannot be told of a job that is gone, nor by a row that names what was not deployed', async () => {
    expect(await placeOf([], { jobId: 2 })).toBeNull();
    const undeployed = toEc2({ jobName: '*', tags: [], target: { type: 'EC2', profile: 'nowhere' } });
    expect(await placeOf([undeployed])).toBeNull();
  });
});
