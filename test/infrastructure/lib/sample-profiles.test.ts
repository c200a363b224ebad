import { expect, it } from 'vitest';
import { dockerSchema, ec2ProfileSchema } from '../../../infrastructure/lib/deployment-ec2-profile.ts';
import { runnerConfigFaults } from '../../../infrastructure/lib/deployment-runner-config.ts';
import { sampleProfiles } from '../../../infrastructure/lib/sample-profiles.ts';

it('the sample of docker says everything that a profile can say of it', () => {
  expect(Object.keys(sampleProfiles.docker.docker ?? {}).sort()).toEqual(Object.keys(dockerSchema.shape).sort());
  const { cache, hooks } = sampleProfiles.docker;
  expect(Object.keys(cache ?? {}).sort()).toEqual(Object.keys(ec2ProfileSchema.shape.cache.unwrap().shape).sort());
  expect(Object.keys(hooks)).toHaveLength(4);
});

it('the samples are no profiles that would be refused', () => {
  for (const profile of Object.values(sampleProfiles)) expect(runnerConfigFaults(profile)).toEqual([]);
});
