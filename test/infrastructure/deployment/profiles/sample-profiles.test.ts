import { expect, it } from 'vitest';
import { runnerConfigFaults } from '../../../../infrastructure/deployment/checks/runner-config.ts';
import { dockerSchema, ec2ProfileSchema } from '../../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { sampleProfiles } from '../../../../infrastructure/deployment/profiles/sample-profiles.ts';

it('the sample of docker says everything that a profile can say of it', () => {
  expect(Object.keys(sampleProfiles.docker.docker ?? {}).sort()).toEqual(Object.keys(dockerSchema.shape).sort());
  const { cache, hooks } = sampleProfiles.docker;
  expect(Object.keys(cache ?? {}).sort()).toEqual(Object.keys(ec2ProfileSchema.shape.cache.unwrap().shape).sort());
  expect(Object.keys(hooks)).toHaveLength(4);
});

it('the samples are no profiles that would be refused', () => {
  for (const profile of Object.values(sampleProfiles)) expect(runnerConfigFaults(profile)).toEqual([]);
});
