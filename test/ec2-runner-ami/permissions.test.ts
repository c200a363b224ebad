import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { Ec2RunnerAmiStack } from '../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { accountId, type Request, region, templatePermissions } from '../support/template-permissions.ts';

const deployment = defineDeployment({ name: 'ci', ami: { onDestroy: 'delete' } });
const bus = `arn:aws:events:${region}:${accountId}:event-bus/ci`;
const stack = new Ec2RunnerAmiStack(new App(), 'Ec2RunnerAmi', { deployment, buildNow: true });
const { mayDo } = templatePermissions(Template.fromStack(stack), { '/ci/infrastructure/event-bus-arn': bus });

const image = `arn:aws:ec2:${region}::image/ami-0123456789abcdef0`;
const snapshot = `arn:aws:ec2:${region}::snapshot/snap-0123456789abcdef0`;
const parameter = (name: string) => `arn:aws:ssm:${region}:${accountId}:parameter${name}`;
const tagged = (key: string, value: string) => ({ [`aws:ResourceTag/${key}`]: value });
const deploymentTag = 'gitlab-runners-on-demand:deployment';
const remover = 'RemovalRemoveImagesServiceRole';
const teller = 'FailedBuildsTeller';

describe('the roles of images', () => {
  it.each<[string, string, boolean, Request]>([
    [
      "deregister the deployment's images",
      remover,
      true,
      { action: 'ec2:DeregisterImage', resource: image, context: tagged(deploymentTag, 'ci') },
    ],
    [
      "deregister another deployment's images",
      remover,
      false,
      { action: 'ec2:DeregisterImage', resource: image, context: tagged(deploymentTag, 'other') },
    ],
    ['deregister images of nobody', remover, false, { action: 'ec2:DeregisterImage', resource: image }],
    [
      "delete Image Builder's snapshots",
      remover,
      true,
      { action: 'ec2:DeleteSnapshot', resource: snapshot, context: tagged('CreatedBy', 'EC2 Image Builder') },
    ],
    ['delete other snapshots', remover, false, { action: 'ec2:DeleteSnapshot', resource: snapshot }],
    [
      'delete the parameter that names an image',
      remover,
      true,
      { action: 'ssm:DeleteParameters', resource: parameter('/ci/ec2-runner-ami/x86_64/image-id') },
    ],
    [
      'delete other parameters',
      remover,
      false,
      { action: 'ssm:DeleteParameters', resource: parameter('/ci/infrastructure/event-bus-arn') },
    ],
    ["tell the deployment's bus of a failed build", teller, true, { action: 'events:PutEvents', resource: bus }],
    ['tell another bus', teller, false, { action: 'events:PutEvents', resource: `${bus}-other` }],
  ])('%s: %s: %s', async (_what, role, may, request) => {
    expect(await mayDo(role, request)).toBe(may);
  });
});
