import { describe, expect, it } from 'vitest';
import {
  decideRunner,
  isLeftToOthers,
  MappingNotAllowedError,
  mightBeOurs,
  type Offer,
} from '../../../autoscaler/demand/choose-runner.ts';
import type { RunnerChoice } from '../../../autoscaler/runner-store/runner-item.ts';
import { gitlabJob, jobMapping, pendingJob } from '../../support/builders.ts';

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';
const offer = (changes: Partial<Offer> = {}): Offer => ({
  mappings: [jobMapping()],
  profiles: {
    default: { type: 'EC2', timeoutMinutes: 60 },
    large: { type: 'EC2', timeoutMinutes: 120, maxConcurrent: 4 },
    shell: { type: 'LAMBDA', timeoutMinutes: 13, functionArn },
  },
  defaultRunner: { type: 'IGNORE' },
  ...changes,
});
const decide = (changes: Partial<Offer>, tags: readonly string[] = []) =>
  decideRunner(pendingJob(), gitlabJob({ tags }), offer(changes));
const choiceOf = (changes: Partial<Offer>, tags: readonly string[] = []) => {
  const decision = decide(changes, tags);
  if (decision.decision === 'IGNORE') throw new Error(`ignored: ${decision.reason}`);
  return decision.choice;
};

describe('where a job runs', () => {
  it('is the profile of its mapping, with the job’s own tags', () => {
    const mappings = [jobMapping({ tags: ['docker'], target: { type: 'EC2', profile: 'large' } })];
    expect(choiceOf({ mappings }, ['linux', 'docker'])).toEqual({
      type: 'EC2',
      profile: 'large',
      functionArn: null,
      mapping: 'job#* tags#docker',
      tags: ['docker', 'linux'],
      timeoutSeconds: 120 * 60,
      caps: [{ counter: 'cap#profile#large', limit: 4 }],
      // Its runner fits jobs with the tag `linux` alone, which are left to others.
      gated: true,
    });
  });

  it.each([
    ['by the profile’s name', 'shell'],
    ['by its ARN', functionArn],
  ])('is a function that a mapping names %s', (_, name) => {
    const mappings = [jobMapping({ target: { type: 'LAMBDA', profile: name } })];
    expect(choiceOf({ mappings })).toMatchObject({ type: 'LAMBDA', profile: 'shell', functionArn });
  });

  it('is nowhere of ours when its mapping says IGNORE, and the reason names the row', () => {
    const mappings = [jobMapping({ target: { type: 'IGNORE' } })];
    expect(decide({ mappings, defaultRunner: { type: 'EC2', profile: 'default' } })).toEqual({
      decision: 'IGNORE',
      reason: 'mapping "job#* tags#" leaves the job to other runners',
    });
  });

  it('is the default runner when no mapping matches', () => {
    expect(choiceOf({ mappings: [], defaultRunner: { type: 'EC2', profile: 'large' } })).toMatchObject({
      profile: 'large',
      mapping: null,
    });
    expect(choiceOf({ mappings: [], defaultRunner: { type: 'LAMBDA', profile: 'shell' } })).toMatchObject({
      type: 'LAMBDA',
      functionArn,
    });
    expect(decide({ mappings: [] })).toMatchObject({ decision: 'IGNORE', reason: /default runner/ });
  });

  it('does not depend on tags that GitLab lists in another order', () => {
    expect(choiceOf({}, ['b', 'a'])).toEqual(choiceOf({}, ['a', 'b']));
  });
});

describe('the fallback of a function', () => {
  const mappings = (fallbackProfile: string) => [
    jobMapping({
      target: { type: 'LAMBDA', profile: 'shell', fallbackProfile },
      timeoutMinutes: 90,
      maxConcurrent: 3,
    }),
  ];

  it('is a profile of any type, with its own limits and the mapping’s', () => {
    const mapping = { counter: 'cap#mapping#job#* tags#', limit: 3 };
    expect(choiceOf({ mappings: mappings('large') }, ['b', 'a'])).toEqual({
      ...{ type: 'LAMBDA', profile: 'shell', functionArn, mapping: 'job#* tags#', tags: ['a', 'b'] },
      ...{ timeoutSeconds: 13 * 60, caps: [mapping] },
      fallback: {
        ...{ type: 'EC2', profile: 'large', functionArn: null, mapping: 'job#* tags#', tags: ['a', 'b'] },
        ...{ timeoutSeconds: 90 * 60, caps: [{ counter: 'cap#profile#large', limit: 4 }, mapping] },
        // It fits the first attempts of the other jobs.
        gated: true,
      },
    });
  });

  it('must be deployed, which is found out before it is needed', () => {
    expect(() => decide({ mappings: mappings('huge') })).toThrow(
      /falls back to the profile "huge".*name one of: default, large, shell/,
    );
    expect(() => decide({ mappings: mappings('constructor') })).toThrow(MappingNotAllowedError);
  });
});

describe('a profile that keeps projects apart', () => {
  it('has the project as the tenant of its function', () => {
    const shell = { type: 'LAMBDA', timeoutMinutes: 13, functionArn, isolateProjects: true } as const;
    const mappings = [jobMapping({ target: { type: 'LAMBDA', profile: 'shell' } })];
    expect(choiceOf({ mappings, profiles: { shell } })).toMatchObject({ tenantId: 'project-7' });
    expect(choiceOf({ mappings })).not.toHaveProperty('tenantId');
  });
});

describe('a runner that was not deployed', () => {
  it.each([
    ['a profile that does not exist', { type: 'EC2', profile: 'huge' }, /EC2 runner "huge".*default, large$/],
    ['a LAMBDA profile as EC2', { type: 'EC2', profile: 'shell' }, /EC2 runner "shell"/],
    ['an EC2 profile as LAMBDA', { type: 'LAMBDA', profile: 'default' }, /LAMBDA runner "default".*shell$/],
    ['somebody else’s function', { type: 'LAMBDA', profile: `${functionArn}-2` }, /name one of: shell$/],
    ['the ARN as an EC2 profile', { type: 'EC2', profile: functionArn }, /EC2 runner/],
    ['what every object has', { type: 'EC2', profile: 'constructor' }, /EC2 runner "constructor"/],
  ] as const)('is refused: %s; the message names the row and what there is', (_, target, message) => {
    const mappings = [jobMapping({ id: 'job#a tags#', target })];
    expect(() => decide({ mappings })).toThrow(MappingNotAllowedError);
    expect(() => decide({ mappings })).toThrow(message);
    expect(() => decide({ mappings })).toThrow(/mapping "job#a tags#"/);
  });

  it('is refused as the default too', () => {
    expect(() => decide({ mappings: [], defaultRunner: { type: 'EC2', profile: 'huge' }, profiles: {} })).toThrow(
      'the default runner asks for the EC2 runner "huge", which this deployment has not; name one of: (none)',
    );
  });
});

describe('the caps of a runner', () => {
  it('are those of deployment, profile and mapping that are set', () => {
    const mappings = [jobMapping({ id: 'row', target: { type: 'EC2', profile: 'large' }, maxConcurrent: 2 })];
    expect(choiceOf({ mappings, maxConcurrent: 10 }).caps).toEqual([
      { counter: 'cap#deployment', limit: 10 },
      { counter: 'cap#profile#large', limit: 4 },
      { counter: 'cap#mapping#row', limit: 2 },
    ]);
  });

  it('include that of all functions together, which leaves executions for the control plane, for LAMBDA alone', () => {
    const target = { type: 'LAMBDA', profile: 'shell', fallbackProfile: 'large' } as const;
    const { caps, fallback } = choiceOf({ mappings: [jobMapping({ target })], accountLimits: { 'cap#lambda': 5 } });
    expect(caps).toEqual([{ counter: 'cap#lambda', limit: 5 }]);
    expect(fallback?.caps).toEqual([{ counter: 'cap#profile#large', limit: 4 }]);
    expect(choiceOf({ accountLimits: { 'cap#lambda': 5 } }).caps).toEqual([]);
  });

  it('are none when none is set', () => {
    expect(choiceOf({}).caps).toEqual([]);
  });

  it('have a counter each, since a transaction takes an item only once', () => {
    const mappings = [jobMapping({ id: 'deployment', target: { type: 'EC2', profile: 'large' }, maxConcurrent: 2 })];
    const counters = choiceOf({ mappings, maxConcurrent: 10 }).caps.map(({ counter }) => counter);
    expect(new Set(counters).size).toBe(3);
  });
});

describe('the timeout of a job', () => {
  it.each([
    ['the profile’s', undefined, 60],
    ['the mapping’s when it is shorter', 20, 20],
    ['never longer than the profile’s', 600, 60],
  ])('is %s', (_, timeoutMinutes, minutes) => {
    expect(choiceOf({ mappings: [jobMapping({ timeoutMinutes })] }).timeoutSeconds).toBe(minutes * 60);
  });
});

describe('how long a job waits for earlier ones of other profiles', () => {
  it.each<[string, Partial<Offer>, RunnerChoice['exact']]>([
    ['what its mapping says', { mappings: [jobMapping({ exact: 60 })], exact: 'always' }, 60],
    ['what the deployment says, when its mapping says nothing', { exact: 'off' }, 'off'],
    ['the usual time, when nobody says anything', {}, undefined],
  ])('is %s', (_, changes, exact) => {
    expect(choiceOf(changes).exact).toBe(exact);
  });
});

describe('mightBeOurs', () => {
  const ec2 = { type: 'EC2', profile: 'default' } as const;

  it.each<[string, boolean, Partial<Offer>]>([
    ['there is a default runner', true, { mappings: [], defaultRunner: ec2 }],
    ['a mapping names the job, whatever its tags are', true, { mappings: [jobMapping({ tags: ['gpu'] })] }],
    ['there is nothing', false, { mappings: [] }],
    ['all that names the job says IGNORE', false, { mappings: [jobMapping({ target: { type: 'IGNORE' } })] }],
    ['mappings are for other jobs', false, { mappings: [jobMapping({ jobName: 'deploy' })] }],
    ['mappings are for other projects', false, { mappings: [jobMapping({ project: 'other/*' })] }],
    [
      'a row says IGNORE and another does not',
      true,
      { mappings: [jobMapping({ target: { type: 'IGNORE' } }), jobMapping({ tags: ['a'] })] },
    ],
  ])('when %s: %s', (_, expected, changes) => {
    expect(mightBeOurs(pendingJob(), offer(changes))).toBe(expected);
  });
});

describe('isLeftToOthers', () => {
  const toOthers = jobMapping({ target: { type: 'IGNORE' } });
  const refused = { target: { type: 'EC2', profile: 'huge' } } as const;

  it.each<[string, boolean, Partial<Offer>]>([
    ['its mapping says IGNORE', true, { mappings: [toOthers], defaultRunner: { type: 'EC2', profile: 'default' } }],
    ['no mapping matches, and there is no default runner', true, { mappings: [jobMapping({ tags: ['gpu'] })] }],
    [
      'no mapping matches, and there is one',
      false,
      { mappings: [], defaultRunner: { type: 'EC2', profile: 'default' } },
    ],
    ['a more specific mapping has a runner', false, { mappings: [toOthers, jobMapping({ tags: ['docker'] })] }],
    [
      'its mapping names what was not deployed',
      false,
      { mappings: [toOthers, jobMapping({ jobName: 'build', ...refused })] },
    ],
  ])('when %s: %s', (_, expected, changes) => {
    expect(isLeftToOthers(pendingJob(), gitlabJob({ tags: ['docker'] }), offer(changes))).toBe(expected);
  });
});
