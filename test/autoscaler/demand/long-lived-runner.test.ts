import { describe, expect, it } from 'vitest';
import { whyNeverTaken } from '../../../autoscaler/demand/long-lived-runner.ts';
import { managerOf, profilesManagerOf, systemIdOf } from '../../../autoscaler/runner-store/runner-manager.ts';
import { runnerItem } from '../../support/builders.ts';

const runner = { tags: ['docker', 'linux'], runUntagged: false, projectIds: null };

describe('what a long-lived runner would take', () => {
  it.each([
    ['tags that it has', runner, ['linux']],
    ['all of its tags', runner, ['docker', 'linux']],
    ['no tags, when it runs such jobs', { ...runner, runUntagged: true }, []],
    ['its own project', { ...runner, projectIds: [6, 7] }, ['linux']],
  ] as const)('is a job with %s', (_, its, tags) => {
    expect(whyNeverTaken(its, { projectId: 7, tags })).toBeNull();
  });

  it.each([
    ['a tag that it has not', runner, ['linux', 'gpu'], /tags gpu .*\(docker, linux\).*add them in GitLab/],
    ['no tags, when it runs no such jobs', runner, [], /no tags.*let it, or tag the job/],
    ['a project that is not its own', { ...runner, projectIds: [6] }, ['linux'], /project 7.*enable it there/],
  ] as const)('is no job with %s, and it is said why', (_, its, tags, why) => {
    expect(whyNeverTaken(its, { projectId: 7, tags })).toMatch(why);
  });
});

describe('a host of a long-lived runner', () => {
  it.each([
    ['i-0123456789abcdef0', 's_56789abcdef0'],
    // The form of instance ids before 2018.
    ['i-1a2b3c4d', 's_00001a2b3c4d'],
  ])('is known in GitLab by the end of its instance id: %s', (instanceId, systemId) => {
    expect(systemIdOf(instanceId)).toBe(systemId);
    expect(systemId).toMatch(/^[rs]_[0-9a-zA-Z]{12}$/);
  });

  it('is a manager from its launch on', () => {
    const item = runnerItem({ managerOf: 900, profile: 'shared' });
    expect(managerOf(item)).toBeNull();
    expect(managerOf({ ...item, instanceId: 'i-0001' })).toEqual({ runnerId: 900, systemId: 's_000000000001' });
    expect(profilesManagerOf({ ...item, instanceId: 'i-0001' })).toEqual({
      profile: 'shared',
      systemId: 's_000000000001',
    });
    expect(managerOf(runnerItem({ runnerId: 5, instanceId: 'i-0001' }))).toBeNull();
  });
});
