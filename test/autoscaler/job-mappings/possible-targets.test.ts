import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseMapping } from '../../../autoscaler/job-mappings/choose-mapping.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import {
  possibleTargets,
  possibleTargetsOfJob,
  type TargetRoutes,
} from '../../../autoscaler/job-mappings/possible-targets.ts';
import { profileOfTags } from '../../../autoscaler/job-mappings/profile-tags.ts';
import { jobMapping } from '../../support/builders.ts';

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';
const profiles = { default: {}, large: {}, shell: { functionArn } };
const ec2 = (profile: string) => ({ type: 'EC2', profile }) as const;
const ignored = { type: 'IGNORE' } as const;
const routes = (mappings: JobMapping[], changes: Partial<TargetRoutes> = {}): TargetRoutes => {
  return { mappings, profiles, defaultRunner: ignored, ...changes };
};
const inProject = (...tags: string[]) => ({ tags, projectPath: 'group/project' });
const targetsOf = (tags: string[], given: TargetRoutes) => {
  return possibleTargets(inProject(...tags), given).map(({ profile }) => profile);
};
const row = (jobName: string, tags: string[], target: JobMapping['target'], project?: string) =>
  jobMapping({ jobName, tags, target, ...(project === undefined ? {} : { project }) });

describe('the jobs that fit a runner', () => {
  it('may only run where a row for every name sends their tags', () => {
    const given = routes([row('*', ['aws'], ec2('default')), row('*', ['gcp'], ec2('large'))]);
    expect(targetsOf(['aws'], given)).toEqual(['default']);
  });

  it('may run elsewhere by their names', () => {
    const shell = { type: 'LAMBDA', profile: 'shell' } as const;
    const given = routes([row('*', ['aws'], ec2('default')), row('lint', ['aws'], shell)]);
    expect(possibleTargets(inProject('aws'), given)).toEqual([
      { profile: 'default', ways: [{ kind: 'row', id: 'job#* tags#aws' }] },
      { profile: 'shell', ways: [{ kind: 'row', id: 'job#lint tags#aws' }] },
    ]);
  });

  it('may be left to others, when no row names them', () => {
    const given = routes([row('build', ['aws'], ec2('default'))]);
    expect(possibleTargets(inProject('aws'), given)).toEqual([
      { profile: 'default', ways: [{ kind: 'row', id: 'job#build tags#aws' }] },
      { profile: null, ways: [{ kind: 'default' }] },
    ]);
  });

  it('may have fewer tags than the runner, and then run elsewhere', () => {
    const given = routes([row('*', ['aws'], ec2('default')), row('*', ['aws', 'big'], ec2('large'))], {
      defaultRunner: ec2('default'),
    });
    expect(targetsOf(['aws'], given)).toEqual(['default']);
    expect(targetsOf(['aws', 'big'], given).sort()).toEqual(['default', 'large']);
    expect(possibleTargetsOfJob(inProject('aws', 'big'), given).map(({ profile }) => profile)).toEqual(['large']);
  });

  it('are untagged only where the runner is', () => {
    const given = routes([row('*', [], ignored), row('*', ['aws'], ec2('default'))]);
    expect(targetsOf([], given)).toEqual([null]);
    expect(targetsOf(['aws'], given)).toEqual(['default']);
  });

  it('are of one project', () => {
    const given = routes([row('*', ['aws'], ec2('default')), row('*', ['aws'], ec2('large'), 'other/**')]);
    expect(targetsOf(['aws'], given)).toEqual(['default']);
    expect(possibleTargets({ tags: ['aws'], projectPath: 'other/one' }, given)).toMatchObject([{ profile: 'large' }]);
    expect(possibleTargets({ tags: ['aws'], projectPath: null }, given)).toMatchObject([{ profile: 'default' }]);
  });

  it('run in one profile, whether rows name its function by ARN or by profile', () => {
    const named = { type: 'LAMBDA', profile: 'shell' } as const;
    const byArn = { type: 'LAMBDA', profile: functionArn, fallbackProfile: 'default' } as const;
    expect(targetsOf(['aws'], routes([row('*', ['aws'], named), row('a', ['aws'], byArn)]))).toEqual(['shell']);
  });

  it('run in the profile whose tags they have, unless a row for every name wins', () => {
    const tagged = { profiles: { ...profiles, shell: { functionArn, tags: ['shell'] } } };
    expect(possibleTargets(inProject('shell'), routes([], tagged))).toEqual([
      { profile: 'shell', ways: [{ kind: 'profile-tags', tags: ['shell'] }] },
    ]);
    expect(targetsOf(['shell'], routes([row('*', [], ec2('default'))], tagged))).toEqual(['default']);
  });

  it('may have one of the tags of a profile that wants two, and go to the default runner', () => {
    const tagged = { profiles: { default: {}, shell: { tags: ['shell', 'aws'] } } };
    expect(targetsOf(['aws', 'shell'], routes([], tagged))).toEqual(['shell', null]);
  });

  it('are told for a runner with very many tags too', () => {
    const tags = Array.from({ length: 300 }, (_, index) => `tag-${index}`);
    const mappings = tags.map((tag, index) => row('*', [tag], ec2(index % 2 === 0 ? 'default' : 'large')));
    expect(targetsOf(tags, routes(mappings)).sort()).toEqual(['default', 'large']);
    expect(targetsOf([...tags, 'unknown'], routes(mappings))).toContain(null);
  });
});

describe('the jobs that fit a runner for protected refs alone', () => {
  const protectedTargets = (given: TargetRoutes) =>
    possibleTargets({ ...inProject('aws'), accessLevel: 'ref_protected' }, given).map(({ profile }) => profile);

  it('may run nowhere but where a row for protected refs sends them', () => {
    const toLarge = jobMapping({ id: 'protected', isProtected: true, tags: ['aws'], target: ec2('large') });
    const given = routes([row('*', ['aws'], ec2('default')), toLarge]);
    expect(protectedTargets(given)).toEqual(['large']);
    expect(targetsOf(['aws'], given).sort()).toEqual(['default', 'large']);
  });

  it('may run elsewhere by their refs', () => {
    const ofMain = jobMapping({ isProtected: true, ref: 'main', tags: ['aws'], target: ec2('large') });
    expect(protectedTargets(routes([row('*', ['aws'], ec2('default')), ofMain])).sort()).toEqual(['default', 'large']);
  });
});

describe('what is told of random tables', () => {
  const tag = fc.constantFrom('a', 'b', 'c');
  const tagSet = fc.uniqueArray(tag).map((tags) => tags.sort());
  const projects = ['g/p', 'g/q', 'h/p'];
  const patterns = ['*', '**', 'b*', '?*', 'build', 'build 1/2', 'b?ild', 'lint'];
  const mapping = fc
    .record({
      jobName: fc.constantFrom(...patterns),
      tags: tagSet,
      project: fc.constantFrom(undefined, 'g/p', 'g/*', '**', 'h/p'),
      profile: fc.constantFrom('one', 'two', 'three', null),
      isProtected: fc.constantFrom(undefined, undefined, true as const),
    })
    .map(({ isProtected, jobName, tags, project, profile }) => {
      const target = profile === null ? ignored : ec2(profile);
      const made = row(jobName, tags, target, project);
      return isProtected === undefined ? made : { ...made, id: `${made.id} protected`, isProtected };
    });
  const tagged = fc.option(tagSet, { nil: undefined });
  const table = fc.record({
    mappings: fc.uniqueArray(mapping, { maxLength: 7, selector: ({ id }) => id }),
    profiles: fc.record({ one: fc.record({ tags: tagged }), two: fc.record({ tags: tagged }) }),
    defaultRunner: fc.constantFrom(ignored, ec2('three')),
  });
  const names = [...patterns, 'build 2/2', 'other', 'bxild', 'lint: [a, b]', ' 1/2'];
  type Job = { readonly tags: readonly string[]; readonly projectPath: string; readonly isProtected: boolean };
  const targetOf = (jobName: string, { tags, projectPath, isProtected }: Job, given: TargetRoutes) => {
    const chosen = chooseMapping({ jobName, projectPath, tags, isProtected }, given.mappings)?.target;
    if (chosen) return chosen.type === 'EC2' ? chosen.profile : null;
    return profileOfTags(tags, given.profiles) ?? given.defaultRunner.profile ?? null;
  };
  const subsetsOf = (tags: readonly string[]) =>
    Array.from({ length: 2 ** tags.length }, (_, mask) => tags.filter((_, index) => (mask >> index) % 2 === 1));
  const fitting = (tags: readonly string[]) =>
    subsetsOf(tags).filter(({ length }) => (length === 0) === (tags.length === 0));

  it('is all that becomes of jobs of any name, and nothing else', () => {
    fc.assert(
      fc.property(table, tagSet, fc.constantFrom(...projects), (given, runner, projectPath) => {
        const outcomes = (isProtected: boolean) =>
          fitting(runner).flatMap((tags) =>
            names.map((name) => targetOf(name, { tags, projectPath, isProtected }, given)),
          );
        const told = (accessLevel?: 'ref_protected') =>
          new Set(possibleTargets({ tags: runner, projectPath, accessLevel }, given).map(({ profile }) => profile));
        // Every name is there that a pattern stands for, and one that none does: what is possible happens to one of
        // them.
        expect(told()).toEqual(new Set([true, false].flatMap(outcomes)));
        expect(told('ref_protected')).toEqual(new Set(outcomes(true)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is so for jobs of exactly these tags', () => {
    fc.assert(
      fc.property(table, tagSet, fc.constantFrom(...projects), (given, tags, projectPath) => {
        const told = possibleTargetsOfJob({ tags, projectPath }, given).map(({ profile }) => profile);
        const outcomes = [true, false].flatMap((isProtected) =>
          names.map((name) => targetOf(name, { tags, projectPath, isProtected }, given)),
        );
        expect(new Set(told)).toEqual(new Set(outcomes));
      }),
      { numRuns: 1_000 },
    );
  });
});
