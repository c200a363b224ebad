import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { afterAll, describe, expect, it } from 'vitest';
import { createDeploymentApp } from '../../../../infrastructure/kit/cdk/deployment-app.construct.ts';

const folder = mkdtempSync(join(tmpdir(), 'deployment-app-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** A configuration file with this default export. */
function configOf(exported: unknown): string {
  files += 1;
  const config = join(folder, `deployment-${files}.config.mjs`);
  writeFileSync(config, `export default ${JSON.stringify(exported)};`);
  return config;
}

/** The app for a configuration file with this default export. */
function appOf(exported: unknown, deployment?: string) {
  const context = { config: configOf(exported), ...(deployment ? { deployment } : {}) };
  return createDeploymentApp('autoscaler', new App({ context }));
}

describe('the app of a subsystem', () => {
  it('is for the only deployment of the file', async () => {
    const { deployment, stackProps } = await appOf([{ name: 'ci' }]);
    expect(deployment).toMatchObject({ name: 'ci', maxAttempts: 3 });
    expect(stackProps.stackName).toBe('ci-autoscaler');
  });

  it('takes a file whose export is one deployment, and the repository’s own', async () => {
    expect((await appOf({ name: 'ci' })).deployment.name).toBe('ci');
    expect((await createDeploymentApp('autoscaler', new App())).deployment.name).toBe('gitlab-runners');
  });

  it('is for the one that is chosen among several', async () => {
    expect((await appOf([{ name: 'east' }, { name: 'west' }], 'west')).deployment.name).toBe('west');
  });

  it.each([
    [undefined, /has several deployments and none was chosen: add -c deployment=NAME with one of: east, west$/],
    ['north', /has no deployment "north": add -c deployment=NAME with one of: east, west$/],
  ])('refuses to choose by itself: %s', async (wanted, message) => {
    await expect(appOf([{ name: 'east' }, { name: 'west' }], wanted)).rejects.toThrow(message);
  });

  it.each([
    { nag: undefined, what: 'is not looked at, as `cdk deploy` synthesizes' },
    { nag: 'true', what: 'fails, as `npm run synth` does' },
  ])('with nag=$nag and a right to everything $what', async ({ nag }) => {
    const context = { config: configOf({ name: 'ci' }), ...(nag ? { nag } : {}) };
    const { app } = await createDeploymentApp('autoscaler', new App({ context }));
    const role = new Role(new Stack(app, 'Stack'), 'Role', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
    if (nag) expect(() => app.synth()).toThrow(/validation/i);
    else expect(app.synth().stacks).toHaveLength(1);
  });

  it('refuses faults of all deployments of the file, whichever is chosen', async () => {
    const file = [{ name: 'ci', maxAttempts: 0 }, { name: 'ci' }];
    await expect(appOf(file, 'ci')).rejects.toMatchObject({ name: 'DeploymentConfigError' });
    await expect(appOf(file, 'ci')).rejects.toThrow(/\[0\]\.maxAttempts: .*\n {2}- \[1\]\.name: "ci" is the name/);
  });

  it.each([
    ['the faults', 'faulty.ts', "export default { name: 'ci', maxAttempts: 0 };", /maxAttempts/],
    [
      'what Node cannot run',
      'enum.ts',
      'enum Name { ci } export default Name;',
      /enum\.ts cannot be loaded: .* no enum/,
    ],
    ['where it is no program', 'broken.ts', 'export default {;', /broken\.ts cannot be loaded/],
  ])('tells a user of `cdk deploy` %s alone, without a stack trace', (_what, name, content, told) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    const context = JSON.stringify({ config: file });
    const app = join(import.meta.dirname, '../../../../infrastructure/app.ts');
    const { status, stderr } = spawnSync(process.execPath, [app], {
      env: { ...process.env, CDK_CONTEXT_JSON: context },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(told);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  it('refuses a file that exports nothing', async () => {
    await expect(appOf(null)).rejects.toThrow(/deployment: is null; write an object/);
  });

  it('is for the account and the region of the deployment, even when one of them is not known yet', async () => {
    const both = await appOf({ account: '123456789012', region: 'eu-west-1' });
    expect(both.stackProps.env).toEqual({ account: '123456789012', region: 'eu-west-1' });
    expect(new Stack(both.app, 'Both', both.stackProps).account).toBe('123456789012');
    const one = await appOf({ region: 'eu-west-1' });
    expect(new Stack(one.app, 'One', one.stackProps).region).toBe('eu-west-1');
  });

  it('refuses a template that CloudFormation would refuse', async () => {
    const { app, stackProps } = await appOf({ name: 'ci' });
    const stack = new Stack(app, 'Stack', stackProps);
    new CfnResource(stack, 'Queue', { type: 'AWS::SQS::Queue', properties: { VisibilityTimeout: 'never' } });
    expect(() => app.synth()).toThrow(/VisibilityTimeout: 'never' is not of type/);
  });

  it('tags everything with the deployment’s name and tags', async () => {
    const { app, stackProps } = await appOf({ name: 'ci', resourceTags: { team: 'builders' } });
    const stack = new Stack(app, 'Stack', stackProps);
    new CfnResource(stack, 'Untagged', { type: 'AWS::SNS::Topic' });
    const { CfnTopic } = await import('aws-cdk-lib/aws-sns');
    new CfnTopic(stack, 'Topic');
    app.synth();
    Template.fromStack(stack).hasResourceProperties('AWS::SNS::Topic', {
      Tags: [
        { Key: 'gitlab-runners-on-demand:deployment', Value: 'ci' },
        { Key: 'team', Value: 'builders' },
      ],
    });
  });
});
