import { describe, expect, it } from 'vitest';
import { type ChosenProfile, gateOf } from '../../../autoscaler/demand/gate-of-choice.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { jobMapping } from '../../support/builders.ts';

const shell = { type: 'LAMBDA', profile: 'shell' } as const;
const ec2 = { type: 'EC2', profile: 'default' } as const;

function gate(chosen: Partial<ChosenProfile>, ...mappings: readonly JobMapping[]) {
  return gateOf(
    { profile: 'default', tags: ['aws'], projectPath: 'group/project', exact: undefined, ...chosen },
    { mappings, profiles: { default: {}, shell: { functionArn: 'arn:shell' } }, defaultRunner: { type: 'IGNORE' } },
  );
}

describe('a runner is gated', () => {
  it('where a row by name sends jobs with the same tags elsewhere', () => {
    const rows = [jobMapping({ target: ec2 }), jobMapping({ jobName: 'lint', target: shell })];
    expect(gate({}, ...rows)).toEqual({ gated: true });
    expect(gate({ profile: 'shell' }, ...rows)).toEqual({ gated: true });
  });

  it('where other jobs with its tags are left to others', () => {
    expect(gate({}, jobMapping({ jobName: 'deploy', target: ec2 }))).toEqual({ gated: true });
  });

  it('where jobs with some of its tags go elsewhere', () => {
    const rows = [jobMapping({ tags: ['aws'], target: shell }), jobMapping({ tags: ['aws', 'big'], target: ec2 })];
    expect(gate({ tags: ['aws', 'big'] }, ...rows)).toEqual({ gated: true });
  });

  it('nowhere where each target has tags of its own', () => {
    const rows = [jobMapping({ tags: ['aws'], target: ec2 }), jobMapping({ tags: ['shell'], target: shell })];
    expect(gate({}, ...rows)).toEqual({});
    expect(gate({ profile: 'shell', tags: ['shell'] }, ...rows)).toEqual({});
  });

  it('nowhere in the only profile, and not where "exact" is off', () => {
    expect(gate({}, jobMapping({ target: ec2 }))).toEqual({});
    expect(gate({ exact: 'off' }, jobMapping({ jobName: 'deploy', target: ec2 }))).toEqual({ awaited: true });
  });
});

describe('a job is awaited', () => {
  const rows = [jobMapping({ tags: ['aws'], target: shell }), jobMapping({ tags: ['aws', 'big'], target: ec2 })];

  it('where runners of another profile have its tags and more', () => {
    expect(gate({ profile: 'shell' }, ...rows)).toEqual({ awaited: true });
    expect(
      gate({ profile: 'shell' }, rows[0] as JobMapping, jobMapping({ tags: ['aws', 'big'], target: shell })),
    ).toEqual({});
  });
});

describe('a runner for protected refs alone', () => {
  const forProtected = { profile: 'deploy', accessLevel: 'ref_protected' } as const;
  const deploy = { type: 'EC2', profile: 'deploy' } as const;
  const rows = [jobMapping({ tags: ['aws'], target: ec2 }), jobMapping({ isProtected: true, target: deploy })];

  it('is not gated where all protected jobs that fit are its own, and others may wait for those', () => {
    expect(gate(forProtected, ...rows)).toEqual({ awaited: true });
    expect(gate({}, ...rows)).toEqual({ gated: true });
    expect(gate({ ...forProtected, tags: ['aws', 'x'] }, ...rows)).toEqual({ awaited: true });
    expect(gate({ ...forProtected, tags: [] }, ...rows)).toEqual({});
  });

  it('is gated where protected jobs go elsewhere by name, ref or stage', () => {
    expect(gate(forProtected, ...rows, jobMapping({ jobName: 'lint', target: shell }))).toEqual({ gated: true });
    const ofMain = jobMapping({ id: 'main', isProtected: true, ref: 'main', target: ec2 });
    expect(gate(forProtected, ...rows, ofMain)).toEqual({ gated: true });
  });
});
