import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DeploymentInput,
  defineDeployment,
  defineDeployments,
  profilesOfType,
} from '../../../infrastructure/deployment/deployment.ts';
import { instanceTypesOf } from '../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { anyDeployment, faultsOfFile } from './inputs.ts';

describe('a deployment', () => {
  it('needs nothing said: every default is filled in', () => {
    const deployment = defineDeployment({});
    expect(deployment).toMatchObject({
      name: 'gitlab-runners',
      gitlab: { url: 'https://gitlab.com' },
      network: { availabilityZones: 2, natGateways: 0 },
      allowedProjects: [],
      defaultRunner: { type: 'IGNORE' },
      maxAttempts: 3,
      profiles: { default: { type: 'EC2', onDemand: 'fallback' }, shell: { type: 'LAMBDA', timeoutMinutes: 13 } },
    });
    expect(deployment).not.toHaveProperty('maxConcurrent');
  });

  it('keeps what is said', () => {
    const said: DeploymentInput = {
      name: 'ci-west',
      account: '123456789012',
      region: 'us-gov-west-1',
      gitlab: { url: 'http://gitlab.example.com:8080/gitlab' },
      network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] },
      defaultRunner: { type: 'LAMBDA', profile: 'small' },
      maxConcurrent: 20,
      resourceTags: { team: 'ci' },
      profiles: { small: { type: 'LAMBDA', memoryMiB: 512, environment: { A: 'b' } } },
    };
    expect(defineDeployment(said)).toMatchObject(said);
  });

  it('is accepted again as it came out, and comes out the same', () => {
    fc.assert(
      fc.property(anyDeployment, (input) => {
        const deployment = defineDeployment(input);
        expect(defineDeployment(deployment)).toEqual(deployment);
        expect(defineDeployments([deployment])).toEqual([deployment]);
      }),
      { numRuns: 300 },
    );
  });

  it('may have profiles whose tags overlap, or that drop the tags of what they extend', () => {
    const { profiles } = defineDeployment({
      profiles: {
        base: { type: 'EC2', tags: ['docker'] },
        big: { type: 'EC2', extends: 'base', tags: ['docker', 'big'] },
        plain: { type: 'EC2', extends: 'base', tags: [] },
      },
    });
    expect(Object.values(profiles).map(({ tags }) => tags)).toEqual([['docker'], ['docker', 'big'], []]);
  });

  it('of a default runner of type EC2 that names no profile means the profile "default"', () => {
    expect(defineDeployment({ defaultRunner: { type: 'EC2' } }).defaultRunner).toEqual({
      type: 'EC2',
      profile: 'default',
    });
  });
});

describe('several deployments', () => {
  it('keep their order', () => {
    expect(defineDeployments([{ name: 'east' }, { name: 'west' }]).map(({ name }) => name)).toEqual(['east', 'west']);
  });

  it('tell the faults of all, each with the place of its deployment', () => {
    expect(
      faultsOfFile([{ name: 'east', maxAttempts: 0 }, { name: 'west' }, { name: 'north', region: 'north' }]),
    ).toEqual(['[0].maxAttempts: is 0; give at least 1', '[2].region: is "north"; name a region such as eu-west-1']);
  });

  it('need a name each, for by that they are chosen', () => {
    expect(faultsOfFile([{ name: 'ci' }, { name: 'ci', region: 'eu-west-1' }, {}, {}])).toEqual([
      '[1].name: "ci" is the name of the deployment [0] too; choose another',
      '[3].name: "gitlab-runners" is the name of the deployment [2] too; choose another',
    ]);
  });

  it('are at least one', () => {
    expect(faultsOfFile([])).toEqual(['deployment: the list is empty; write at least one']);
  });

  it('that are one have paths as if alone', () => {
    expect(faultsOfFile([{ maxAttempts: 0 }])).toEqual(['maxAttempts: is 0; give at least 1']);
  });
});

describe('profiles', () => {
  const deployment = defineDeployment({
    profiles: {
      one: { type: 'EC2', instanceTypes: ['c7a.large'] },
      two: { type: 'LAMBDA' },
      three: { type: 'EC2', architecture: 'arm64' },
    },
  });

  it('are found by type', () => {
    expect(profilesOfType(deployment, 'EC2').map(([name]) => name)).toEqual(['one', 'three']);
    expect(profilesOfType(deployment, 'LAMBDA').map(([name]) => name)).toEqual(['two']);
  });

  it('of EC2 launch their own types, or several families of their architecture', () => {
    const [[, one], [, three]] = profilesOfType(deployment, 'EC2') as [[string, never], [string, never]];
    expect(instanceTypesOf(one)).toEqual(['c7a.large']);
    const families = new Set(instanceTypesOf(three).map((type) => type.split('.')[0]));
    expect(families.size).toBeGreaterThanOrEqual(4);
    for (const family of families) expect(family).toMatch(/^[a-z]\dg/);
  });
});
