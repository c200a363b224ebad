import { describe, expect, it } from 'vitest';
import { faultsOf, faultsOfProfile } from '../inputs.ts';

describe('the settings of a profile, each fine alone, are refused together when', () => {
  it.each<[string, object, string[]]>([
    [
      'there is no docker for what is said of docker',
      { executor: 'shell', docker: {} },
      ['docker: has no effect with the executor "shell"; remove it'],
    ],
    [
      'spot capacity is never asked for, but has a price',
      { onDemand: 'always', maxPriceUsd: 0.1 },
      ['maxPriceUsd: is for spot capacity, and onDemand is "always"; remove one of them'],
    ],
    [
      'a type has another architecture',
      { instanceTypes: ['m7a.large', 'm7g.large'] },
      [
        'instanceTypes[1]: "m7g.large" is of the architecture arm64, and the profile\'s is x86_64; choose another type, or set architecture',
      ],
    ],
    [
      'the volume is too small for its iops',
      { volume: { sizeGiB: 10, iops: 6_000 } },
      ['volume.iops: is 6000; 10 GiB allow 5000: lower it, or raise sizeGiB'],
    ],
    [
      'the volume has too few iops for its throughput',
      { volume: { throughputMiBps: 1_000 } },
      ['volume.throughputMiBps: is 1000; 3000 iops allow 750: lower it, or raise iops'],
    ],
    [
      'the subnets are elsewhere than the security group',
      { subnetIds: ['subnet-1'] },
      [
        "subnetIds: are not in the deployment's own VPC, but its security group is; give securityGroupIds of the subnets' VPC too",
      ],
    ],
    [
      'SSH is to come in where the deployment has no VPC',
      {
        subnetIds: ['subnet-1'],
        securityGroupIds: ['sg-1'],
        ssh: { keyName: 'oncall', cidrs: ['192.0.2.0/24'] },
      },
      [
        "ssh: needs a security group in the VPC of the profile's subnetIds, which is not the deployment's own; leave subnetIds out, or use sessionManager",
      ],
    ],
    [
      'the statements do not fit into a role',
      { policyStatements: [{ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${'b'.repeat(8_000)}`] }] },
      [
        expect.stringMatching(
          /^policyStatements: are 80\d\d characters, and a role holds 8000; put them into a managed policy$/,
        ),
      ],
    ],
    [
      'the texts do not fit into user data',
      { hooks: { boot: "echo '".repeat(700) } },
      [
        expect.stringMatching(
          /^: environment, hooks, docker, registries and runnerConfig make \d+ bytes of the instances' user data, and 6144 fit; say less/,
        ),
      ],
    ],
  ])('%s', (_why, profile, faults) => {
    expect(faultsOfProfile(profile)).toEqual(faults);
  });

  it('the texts do not fit into the environment of a function', () => {
    const profiles = { shell: { type: 'LAMBDA', environment: { TEXT: 'x'.repeat(4_100) } } };
    expect(faultsOf({ profiles })).toEqual([
      expect.stringMatching(
        /^profiles\.shell: environment, hooks and runnerConfig make 4\d\d\d bytes of the function's environment, and Lambda gives 4096; say less/,
      ),
    ]);
  });

  it('of a function have no image of their own without an image, and one role for their jobs', () => {
    const jobRoleArn = 'arn:aws:iam::123456789012:role/deployer';
    const managedPolicyArns = ['arn:aws:iam::aws:policy/ReadOnlyAccess'];
    const profiles = {
      zipped: { type: 'LAMBDA', packaging: 'zip', imageFolder: 'tools' },
      deploy: { type: 'LAMBDA', jobRoleArn, managedPolicyArns },
    };
    expect(faultsOf({ profiles })).toEqual([
      'profiles.zipped.imageFolder: has no effect with the packaging "zip"; remove one of them',
      expect.stringMatching(/^profiles.deploy.jobRoleArn: names a role that exists.*remove them, or this$/),
    ]);
  });
});

describe('the settings of a profile are fine together when', () => {
  it.each<[string, object, object?]>([
    [
      'types are of the profile’s architecture',
      {
        architecture: 'arm64',
        instanceTypes: ['m7g.large', 'c7gn.xlarge', 't4g.large', 'a1.large', 'im4gn.large', 'x2gd.large', 'g5g.xlarge'],
      },
    ],
    [
      'types only sound like another one',
      {
        instanceTypes: [
          'g5.xlarge',
          'g6e.xlarge',
          'gr6.4xlarge',
          'm7i-flex.large',
          'u7i-12tb.224xlarge',
          'x2iedn.large',
        ],
      },
    ],
    ['a volume has all that its size allows', { volume: { sizeGiB: 160, iops: 80_000, throughputMiBps: 2_000 } }],
    ['even the smallest volume has the free iops', { volume: { sizeGiB: 8, iops: 3_000, throughputMiBps: 750 } }],
    ['subnets and security groups are given', { subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] }],
    [
      'subnets are of the existing network',
      { subnetIds: ['subnet-2'] },
      { network: { vpcId: 'vpc-1', subnetIds: ['subnet-1'] } },
    ],
  ])('%s', (_why, profile, deployment) => {
    expect(faultsOfProfile(profile, deployment)).toEqual([]);
  });
});
