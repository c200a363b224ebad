import { App } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../../../autoscaler/autoscaler.stack.ts';
import { defineDeployment } from '../../../../infrastructure/lib/deployment.ts';
import { accountId, region, templatePermissions } from '../../../support/template-permissions.ts';
import { autoscalerTemplate } from '../../autoscaler-template.ts';
import { launchProfile, launchWorld } from './launch-world.ts';

const registrySecret = `arn:aws:secretsmanager:eu-central-1:${accountId}:secret:registries-AbCdEf`;
const pull = (repository: string) => ({ action: 'ecr:BatchGetImage', resource: repository });

describe('the role of a host', () => {
  const template = autoscalerTemplate({
    name: 'ci',
    profiles: {
      default: { type: 'EC2', cache: { prefix: 'linux' } },
      plain: { type: 'EC2' },
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
  const { mayDo, arnOf } = templatePermissions(template, {
    '/ci/infrastructure/event-bus-arn': `arn:aws:events:${region}:${accountId}:event-bus/ci`,
    '/ci/infrastructure/gitlab-token-secret-arn': `arn:aws:secretsmanager:${region}:${accountId}:secret:token`,
    '/ci/infrastructure/subnet-ids': 'subnet-1',
    '/ci/infrastructure/security-group-ids': 'sg-1',
    '/ci/infrastructure/cache-bucket-name': 'caches',
  });
  const logGroup = arnOf('ProfilesHostLogs').replace(/:\*$/, '');
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
    ['plain', true, 'add to the hosts’ log', { action: 'logs:PutLogEvents', resource: `${logGroup}:log-stream:i-1` }],
    ['plain', false, 'read it', { action: 'logs:GetLogEvents', resource: `${logGroup}:log-stream:i-1` }],
    ['plain', false, 'remove from it', { action: 'logs:DeleteLogStream', resource: `${logGroup}:log-stream:i-1` }],
    ['plain', false, 'write another log', { action: 'logs:PutLogEvents', resource: `${logGroup}2:log-stream:i-1` }],
    ['open', false, 'do more than those', { action: 's3:PutObject', resource: 'arn:aws:s3:::artifacts/key' }],
  ])('%s: %s: may %s', async (profile, may, _what, request) => {
    expect(await mayDo(`Profiles${profile}Role`, request)).toBe(may);
  });
});

it('a profile with a cache and registries passes the AWS Solutions checks', () => {
  const app = new App();
  const registries = { ecr: ['210987654321.dkr.ecr.us-east-1.amazonaws.com'], secretArn: registrySecret };
  const deployment = defineDeployment({ profiles: { default: { type: 'EC2', cache: {}, registries } } });
  const stack = new AutoscalerStack(app, 'Autoscaler', { deployment });
  expect(new AwsSolutionsChecks(app).validateScope(stack).violations.map(({ ruleName }) => ruleName)).toEqual([]);
});

describe('a launch', () => {
  const profiles = { default: launchProfile({ subnetIds: ['subnet-own'] }), large: launchProfile() };

  it('is in the profile’s own subnets, or else in the network’s', async () => {
    const world = launchWorld();
    world.request([1]);
    world.request([2], 'large');
    await world.deliver({ profiles });
    const places = world.instances.launches.map(({ tags, subnetIds }) => [
      tags['gitlab-runners-on-demand:profile'],
      subnetIds,
    ]);
    expect(Object.fromEntries(places)).toEqual({ default: ['subnet-own'], large: ['subnet-1', 'subnet-2'] });
  });
});
