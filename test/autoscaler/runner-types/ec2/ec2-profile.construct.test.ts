import { App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../../../autoscaler/autoscaler.stack.ts';
import { sourcesOf } from '../../../../autoscaler/runner-types/ec2/launch-source.ts';
import { defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { type Ec2Profile, instanceTypesOf } from '../../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { accountId, region, templatePermissions } from '../../../support/template-permissions.ts';
import { autoscalerTemplate } from '../../autoscaler-template.ts';
import { launchProfile, launchWorld } from './launch-world.ts';

const registrySecret = `arn:aws:secretsmanager:eu-central-1:${accountId}:secret:registries-AbCdEf`;
const pull = (repository: string) => ({ action: 'ecr:BatchGetImage', resource: repository });
const template = autoscalerTemplate({
  name: 'ci',
  profiles: {
    default: { type: 'EC2', cache: { prefix: 'linux' } },
    plain: { type: 'EC2' },
    reachable: { type: 'EC2', ssh: { keyName: 'oncall', cidrs: ['192.0.2.0/24'] }, sessionManager: true },
    private: {
      type: 'EC2',
      registries: {
        ecr: ['210987654321.dkr.ecr.us-east-1.amazonaws.com/team/*', '123456789012.dkr.ecr.eu-west-1.amazonaws.com'],
        secretArn: registrySecret,
      },
    },
    open: {
      type: 'EC2',
      policyStatements: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::artifacts/*'] }],
    },
  },
});

describe('the role of a host', () => {
  const { mayDo, arnOf } = templatePermissions(template, {
    '/ci/infrastructure/event-bus-arn': `arn:aws:events:${region}:${accountId}:event-bus/ci`,
    '/ci/infrastructure/gitlab-token-secret-arn': `arn:aws:secretsmanager:${region}:${accountId}:secret:token`,
    '/ci/infrastructure/subnet-ids': 'subnet-1,subnet-2',
    '/ci/infrastructure/security-group-ids': 'sg-1',
    '/ci/infrastructure/vpc-id': 'vpc-1',
    '/ci/infrastructure/cache-bucket-name': 'caches',
  });
  const logGroup = arnOf('ProfilesHostLogs').replace(/:\*$/, '');
  it.each([
    ['oncall', true],
    ['other', false],
  ])('is launched with the key pair of its profile, and no other: %s', async (name, may) => {
    const [templateId] = Object.keys(template.findResources('AWS::EC2::LaunchTemplate'));
    const request = {
      action: 'ec2:RunInstances',
      resource: `arn:aws:ec2:${region}:${accountId}:key-pair/${name}`,
      context: {
        'ec2:LaunchTemplate': `arn:aws:ec2:${region}:${accountId}:launch-template/${templateId}`,
        'ec2:IsLaunchTemplateResource': 'true',
      },
    };
    expect(await mayDo('FunctionslaunchinstancesServiceRole', request)).toBe(may);
  });

  const listing = (prefix: string) => ({
    action: 's3:ListBucket',
    resource: 'arn:aws:s3:::caches',
    context: { 's3:prefix': prefix },
  });

  it.each([
    [
      'default',
      true,
      'read its caches',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::caches/linux/project/7/key' },
    ],
    [
      'default',
      true,
      'write its caches',
      { action: 's3:PutObject', resource: 'arn:aws:s3:::caches/linux/project/7/key' },
    ],
    ['default', true, 'see that a cache is not there', listing('linux/project/7/key')],
    [
      'default',
      false,
      'read caches of another prefix',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::caches/arm/key' },
    ],
    [
      'default',
      false,
      'read what only begins like it',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::caches/linux2/key' },
    ],
    ['default', false, 'list the whole bucket', listing('')],
    ['default', false, 'remove caches', { action: 's3:DeleteObject', resource: 'arn:aws:s3:::caches/linux/key' }],
    ['default', false, 'read another bucket', { action: 's3:GetObject', resource: 'arn:aws:s3:::artifacts/linux/key' }],
    [
      'plain',
      false,
      'read caches without having one',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::caches/linux/key' },
    ],
    [
      'open',
      true,
      'do what its profile’s statements allow',
      { action: 's3:GetObject', resource: 'arn:aws:s3:::artifacts/key' },
    ],
    ['reachable', true, 'be reached by Session Manager', { action: 'ssmmessages:OpenDataChannel', resource: '*' }],
    ['plain', false, 'be reached by it without being told', { action: 'ssmmessages:OpenDataChannel', resource: '*' }],
    [
      'reachable',
      false,
      'read the account’s parameters, as AWS’s own policy for it would allow',
      { action: 'ssm:GetParameter', resource: `arn:aws:ssm:${region}:${accountId}:parameter/secret` },
    ],
    [
      'private',
      true,
      'pull from the repositories that it names, of another account',
      pull('arn:aws:ecr:us-east-1:210987654321:repository/team/app'),
    ],
    [
      'private',
      false,
      'pull from others of that account',
      pull('arn:aws:ecr:us-east-1:210987654321:repository/other/app'),
    ],
    ['private', true, 'pull from a whole registry', pull('arn:aws:ecr:eu-west-1:123456789012:repository/any')],
    [
      'private',
      false,
      'push',
      { action: 'ecr:PutImage', resource: 'arn:aws:ecr:eu-west-1:123456789012:repository/any' },
    ],
    ['private', true, 'log in to ECR', { action: 'ecr:GetAuthorizationToken', resource: '*' }],
    ['plain', false, 'log in to ECR', { action: 'ecr:GetAuthorizationToken', resource: '*' }],
    [
      'private',
      true,
      'read its registries’ secret',
      { action: 'secretsmanager:GetSecretValue', resource: registrySecret },
    ],
    ['plain', false, 'read another profile’s', { action: 'secretsmanager:GetSecretValue', resource: registrySecret }],
    [
      'plain',
      true,
      'add to the hosts’ log',
      { action: 'logs:PutLogEvents', resource: `${logGroup}:log-stream:plain/i-1` },
    ],
    [
      'plain',
      true,
      'begin its stream',
      { action: 'logs:CreateLogStream', resource: `${logGroup}:log-stream:plain/i-1` },
    ],
    [
      'plain',
      false,
      'add to the log of a host of another profile',
      { action: 'logs:PutLogEvents', resource: `${logGroup}:log-stream:default/i-1` },
    ],
    ['plain', false, 'read it', { action: 'logs:GetLogEvents', resource: `${logGroup}:log-stream:plain/i-1` }],
    [
      'plain',
      false,
      'remove from it',
      { action: 'logs:DeleteLogStream', resource: `${logGroup}:log-stream:plain/i-1` },
    ],
    [
      'plain',
      false,
      'write another log',
      { action: 'logs:PutLogEvents', resource: `${logGroup}2:log-stream:plain/i-1` },
    ],
    ['open', false, 'do more than those', { action: 's3:PutObject', resource: 'arn:aws:s3:::artifacts/key' }],
  ])('%s: %s: may %s', async (profile, may, _what, request) => {
    expect(await mayDo(`Profiles${profile}Role`, request)).toBe(may);
  });
});

describe('the network of a host', () => {
  it('lets nobody in, unless its profile says whom', () => {
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).map(({ Properties }) => Properties);
    expect(groups).toMatchObject([
      { SecurityGroupIngress: [{ CidrIp: '192.0.2.0/24', IpProtocol: 'tcp', FromPort: 22, ToPort: 22 }] },
    ]);
  });

  it.each(['0.0.0.0/0', '192.0.2.0'])('is not opened to %s', (cidr) => {
    const ssh = { keyName: 'oncall', cidrs: [cidr] };
    expect(() => defineDeployment({ profiles: { default: { type: 'EC2', ssh } } })).toThrow(/profiles\.default\.ssh/);
  });
});

describe('the pools of a profile that names none', () => {
  it.each(['x86_64', 'arm64'] as const)('are at least six, of several families: %s', (architecture) => {
    const { profiles } = defineDeployment({ profiles: { default: { type: 'EC2', architecture } } });
    const types = instanceTypesOf(profiles.default as Ec2Profile);
    expect(new Set(types).size).toBeGreaterThanOrEqual(6);
    expect(new Set(types.map((type) => type.split('.')[0])).size).toBeGreaterThanOrEqual(3);
  });
});

it('a profile with a cache and registries that people may reach passes the AWS Solutions checks', () => {
  const app = new App();
  const registries = { ecr: ['210987654321.dkr.ecr.us-east-1.amazonaws.com'], secretArn: registrySecret };
  const ssh = { keyName: 'oncall', cidrs: ['192.0.2.0/24'] };
  const deployment = defineDeployment({
    profiles: { default: { type: 'EC2', cache: {}, registries, ssh, sessionManager: true } },
  });
  const stack = new AutoscalerStack(app, 'Autoscaler', { deployment });
  expect(new AwsSolutionsChecks(app).validateScope(stack).violations.map(({ ruleName }) => ruleName)).toEqual([]);
});

describe('a launch', () => {
  const profiles = { default: launchProfile({ subnetIds: ['subnet-own'] }), large: launchProfile() };

  it('is in the profile’s own subnets, or else in the network’s', async () => {
    const world = launchWorld();
    world.request([1]);
    world.request([2], 'large');
    await world.deliver({ sourceOf: sourcesOf(profiles, ['subnet-1', 'subnet-2']) });
    const places = world.instances.launches.map(({ tags, source }) => [
      tags['gitlab-runners-on-demand:profile'],
      source.subnetIds,
    ]);
    expect(Object.fromEntries(places)).toEqual({ default: ['subnet-own'], large: ['subnet-1', 'subnet-2'] });
  });
});
