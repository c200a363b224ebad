import { describe, expect, it } from 'vitest';
import { defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { faultsOf } from './inputs.ts';

describe('what is said of machine images', () => {
  it('needs not be said', () => {
    expect(defineDeployment({}).ami).toMatchObject({ rebuild: 'weekly', keep: 3, onDestroy: 'keep', sizeGiB: 8 });
  });

  it.each<[string, object, string[]]>([
    [
      'a build instance is of another architecture',
      { ami: { instanceTypes: { arm64: ['m8g.large', 'm7a.large'] } } },
      ['ami.instanceTypes.arm64[1]: "m7a.large" is of the architecture x86_64; choose another type'],
    ],
    [
      "a host's disk is smaller than the image's",
      { ami: { sizeGiB: 40 }, profiles: { default: { type: 'EC2', volume: { sizeGiB: 30 } } } },
      ["profiles.default.volume.sizeGiB: is 30, and the image's disk has 40 GiB (ami.sizeGiB); raise it"],
    ],
    [
      'the subnet to build in is elsewhere than the security group',
      { ami: { subnetId: 'subnet-1' } },
      [
        "ami.subnetId: is not in the deployment's own VPC, but its security group is; give ami.securityGroupIds of the subnet's VPC too",
      ],
    ],
    [
      'a component does nothing',
      { ami: { components: { empty: {} } } },
      ['ami.components.empty: does nothing; write a script for build or test'],
    ],
    [
      'Image Builder would replace a part of a script',
      { ami: { components: { mine: { build: 'docker ps --format "{{.ID}}"' } } } },
      ['ami.components.mine.build: has "{{", which Image Builder replaces; write it otherwise'],
    ],
    [
      'a script is too long for a component',
      { ami: { components: { mine: { test: 'x'.repeat(12_001) } } } },
      [expect.stringMatching(/^ami\.components\.mine\.test: .*give at most 12000 characters/) as unknown as string],
    ],
    [
      'an ARN is of something else',
      { ami: { kmsKeyArn: 'alias/mine', componentArns: ['arn:aws:imagebuilder:eu-west-1:aws:image/x/x.x.x'] } },
      [
        expect.stringContaining('ami.kmsKeyArn: is "alias/mine"; write a key\'s ARN') as unknown as string,
        expect.stringContaining("write a component's ARN") as unknown as string,
      ],
    ],
  ])('is refused when %s', (_what, input, faults) => {
    expect(faultsOf(input)).toEqual(faults);
  });

  it.each<[string, object]>([
    [
      'a profile with a small disk has an image of its own',
      {
        ami: { sizeGiB: 40 },
        profiles: { default: { type: 'EC2', imageParameter: '/images/mine', volume: { sizeGiB: 10 } } },
      },
    ],
    [
      'the subnet to build in is one of an existing network',
      { ami: { subnetId: 'subnet-1' }, network: { vpcId: 'vpc-1', subnetIds: ['subnet-2'] } },
    ],
    [
      "there are AWS's components",
      { ami: { componentArns: ['arn:aws:imagebuilder:eu-west-1:aws:component/go-linux/x.x.x'] } },
    ],
  ])('is fine when %s', (_what, input) => {
    expect(faultsOf(input)).toEqual([]);
  });
});
