import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { accountId, region, templatePermissions } from '../support/template-permissions.ts';

const token = `arn:aws:secretsmanager:${region}:${accountId}:secret:ci-runner-AbCdEf`;
const accessToken = `arn:aws:secretsmanager:${region}:${accountId}:secret:ci-gitlab-token`;
const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
const deployment = defineDeployment({
  name: 'ci',
  profiles: { default: { type: 'EC2' }, shared: { type: 'EC2', runnerTokenSecretArn: token } },
});
const stack = new AutoscalerStack(app, 'Autoscaler', { deployment });
const template = Template.fromStack(stack);
const { arnOf, mayDo } = templatePermissions(template, {
  '/ci/infrastructure/event-bus-arn': `arn:aws:events:${region}:${accountId}:event-bus/ci`,
  '/ci/infrastructure/gitlab-token-secret-arn': accessToken,
  '/ci/infrastructure/subnet-ids': 'subnet-1',
  '/ci/infrastructure/security-group-ids': 'sg-1',
});
const roles = Object.keys(template.findResources('AWS::IAM::Role')).map((id) => id.slice(0, -8));
const rolesThatMay = async (action: string, resource: string) => {
  const answers = await Promise.all(roles.map((role) => mayDo(role, { action, resource })));
  return roles.filter((_, index) => answers[index]).sort();
};
const lambdaRole = (name: string) => `Functions${name}ServiceRole`;

describe('where a profile brings a long-lived runner', () => {
  it('its token is read by who registers, unregisters and abandons, and by nobody else', async () => {
    expect(roles.length).toBeGreaterThan(12);
    expect(await rolesThatMay('secretsmanager:GetSecretValue', token)).toEqual(
      ['abandonrunner', 'registerrunner', 'unregisterrunner'].map(lambdaRole),
    );
    expect(await rolesThatMay('secretsmanager:GetSecretValue', `${token}-other`)).toEqual([]);
  });

  it('GitLab is asked which host has a job by who binds and finds', async () => {
    const asking = await rolesThatMay('secretsmanager:GetSecretValue', accessToken);
    expect(asking).toEqual(expect.arrayContaining(['bindrunner', 'findrunner'].map(lambdaRole)));
  });

  it('tickets are taken back, and instances looked at, by who drains', async () => {
    const tickets = arnOf('TablesTickets');
    expect(await mayDo(lambdaRole('drainrunner'), { action: 'dynamodb:DeleteItem', resource: tickets })).toBe(true);
    expect(await mayDo(lambdaRole('drainrunner'), { action: 'dynamodb:GetItem', resource: tickets })).toBe(false);
    const looking = await rolesThatMay('ec2:DescribeInstances', '*');
    // And by who finds out why an instance died before it took a job.
    const others = ['findinterruptedrunner', 'reconcile', 'removerunners'];
    expect(looking).toEqual(['abandonrunner', 'drainrunner', ...others].map(lambdaRole));
  });

  it('every wildcard gives its reason to cdk-nag', () => {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Synthesis throws when a plugin finds something.
    expect(app.synth().stacks.length).toBeGreaterThan(0);
  });
});
