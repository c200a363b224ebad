import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, it } from 'vitest';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { LambdaShellRunnerStack } from '../../lambda-shell-runner/lambda-shell-runner.stack.ts';
import { caCertificates } from '../infrastructure/deployment/rich-deployment.ts';

const env = { account: '000000000000', region: 'eu-west-1' };

function synthesize(profiles: NonNullable<DeploymentInput['profiles']>) {
  const app = new App();
  const deployment = defineDeployment({ gitlab: { caCertificates }, profiles });
  const template = Template.fromStack(new LambdaShellRunnerStack(app, 'LambdaShellRunner', { env, deployment }));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const { directory } = app.synth();
  const manifest = JSON.parse(readFileSync(join(directory, 'LambdaShellRunner.assets.json'), 'utf8')) as {
    dockerImages: Record<string, { source: { directory: string } }>;
  };
  const contexts = Object.values(manifest.dockerImages).map(({ source }) => join(directory, source.directory));
  return { template, contexts };
}

it('the certificates by which GitLab is trusted are in the image, where every user can read them, and in no layer', () => {
  const { template, contexts } = synthesize({ shell: { type: 'LAMBDA' } });
  const [context = ''] = contexts;
  const dockerfile = readFileSync(join(context, 'Dockerfile'), 'utf8');
  expect(dockerfile).toMatch(/\nCOPY gitlab-ca\.pem \/opt\/gitlab-ca\.pem\n$/);
  expect(readFileSync(join(context, 'gitlab-ca.pem'), 'utf8')).toBe(caCertificates);
  expect(statSync(join(context, 'gitlab-ca.pem')).mode & 0o777).toBe(0o644);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { NODE_EXTRA_CA_CERTS: '/opt/gitlab-ca.pem' } },
  });
  template.resourceCountIs('AWS::Lambda::LayerVersion', 0);
});

it('a profile’s own image starts from one that has them', () => {
  const { contexts } = synthesize({ tools: { type: 'LAMBDA', imageFolder: 'lambda-shell-runner/example-image' } });
  const dockerfile = readFileSync(join(contexts[0] ?? '', 'Dockerfile'), 'utf8');
  const [copied, theirs] = ['\nCOPY gitlab-ca.pem', '\nFROM lambda-shell-runner\n'].map((text) =>
    dockerfile.indexOf(text),
  );
  expect(copied).toBeGreaterThan(dockerfile.indexOf('AS lambda-shell-runner'));
  expect(theirs).toBeGreaterThan(copied ?? 0);
});

it('profiles of both packagings have them side by side', () => {
  const { template } = synthesize({ shell: { type: 'LAMBDA' }, bundle: { type: 'LAMBDA', packaging: 'zip' } });
  template.resourceCountIs('AWS::Lambda::LayerVersion', 1);
  const layers = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => [
    Properties.PackageType ?? 'Zip',
    (Properties.Layers ?? []).length,
  ]);
  expect(layers.sort()).toEqual([
    ['Image', 0],
    ['Zip', 1],
  ]);
});
