import { describe, expect, it } from 'vitest';
import { areTagged, profileOfTags } from '../../../autoscaler/job-mappings/profile-tags.ts';

const profiles = {
  default: {},
  shell: { tags: ['shell'] },
  big: { tags: ['docker', 'big'] },
  docker: { tags: ['docker'] },
};

describe('the tags of profiles', () => {
  it.each([
    ['a job with all of them', ['shell'], 'shell'],
    ['a job that has others too', ['arm', 'shell'], 'shell'],
    ['the one with most tags', ['big', 'docker'], 'big'],
    ['of equally many, the one whose name sorts first', ['shell', 'docker'], 'docker'],
  ])('give it to the profile: %s', (_, tags, profile) => {
    expect(profileOfTags(tags, profiles)).toBe(profile);
  });

  it('give no profile a job that lacks one of them', () => {
    expect(profileOfTags(['big'], profiles)).toBeNull();
    expect(profileOfTags([], profiles)).toBeNull();
  });

  it('are known to be there, or not', () => {
    expect(areTagged(profiles)).toBe(true);
    expect(areTagged({ default: {}, other: { tags: [] } })).toBe(false);
  });
});
