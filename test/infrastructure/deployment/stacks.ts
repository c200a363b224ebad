import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parse } from 'smol-toml';
import { AutoscalerStack } from '../../../autoscaler/autoscaler.stack.ts';
import { Ec2RunnerAmiStack } from '../../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import type { Deployment, DeploymentInput } from '../../../infrastructure/deployment/deployment.ts';
import { InfrastructureStack } from '../../../infrastructure/infrastructure.stack.ts';
import { createDeploymentApp } from '../../../infrastructure/kit/cdk/deployment-app.construct.ts';
import { type AppName, appNames } from '../../../infrastructure/kit/cdk/parameter-names.ts';
import { LambdaShellRunnerStack } from '../../../lambda-shell-runner/lambda-shell-runner.stack.ts';

export type Resource = { readonly Type: string; readonly Properties: Properties };
export type Properties = Readonly<Record<string, unknown>>;

const stackOf = {
  infrastructure: (app: App, props: StackProps, deployment: Deployment) =>
    new InfrastructureStack(app, 'Stack', { ...props, deployment }),
  'lambda-shell-runner': (app: App, props: StackProps, deployment: Deployment) =>
    new LambdaShellRunnerStack(app, 'Stack', { ...props, deployment }),
  'ec2-runner-ami': (app: App, props: StackProps, deployment: Deployment) =>
    new Ec2RunnerAmiStack(app, 'Stack', { ...props, deployment, buildNow: true }),
  autoscaler: (app: App, props: StackProps, deployment: Deployment) =>
    new AutoscalerStack(app, 'Stack', { ...props, deployment }),
} as const satisfies Record<AppName, unknown>;

/** One app's stack, as `cdk synth` would make it of a file with this deployment. */
export type SynthesizedStack = {
  readonly account: string;
  readonly region: string;
  readonly stackName: string;
  /** The properties of the only resource of a type whose logical id begins so. */
  properties(type: string, idPrefix?: string): Properties;
  all(type: string): readonly Properties[];
  /** Everything in the template, by logical id. */
  readonly resources: Readonly<Record<string, Resource>>;
};

/** Every app's stack for a deployment. */
export async function synthesize(input: DeploymentInput): Promise<Readonly<Record<AppName, SynthesizedStack>>> {
  const folder = mkdtempSync(join(tmpdir(), 'deployment-stacks-'));
  const config = join(folder, 'deployment.config.mjs');
  writeFileSync(config, `export default ${JSON.stringify(input)};`);
  const stacks = await Promise.all(
    appNames.map(async (name) => {
      const { app, deployment, stackProps } = await createDeploymentApp(name, new App({ context: { config } }));
      const stack = stackOf[name](app, stackProps, deployment);
      const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
      const found = (type: string, idPrefix: string) =>
        Object.entries(Resources).filter(
          ([id, { Type }]) => Type === (type.startsWith('Custom::') ? type : `AWS::${type}`) && id.startsWith(idPrefix),
        );
      const { account, region, stackName } = stack;
      const synthesized: SynthesizedStack = {
        account,
        region,
        stackName,
        properties(type, idPrefix = '') {
          const [one, ...others] = found(type, idPrefix);
          if (!one || others.length > 0)
            throw new Error(`${others.length + (one ? 1 : 0)} resources ${type} ${idPrefix}`);
          return one[1].Properties;
        },
        resources: Resources,
        all: (type) => found(type, '').map(([, { Properties: properties }]) => properties),
      };
      return [name, synthesized] as const;
    }),
  );
  rmSync(folder, { recursive: true });
  return Object.fromEntries(stacks) as Record<AppName, SynthesizedStack>;
}

/**
 * What a host finds in the user data of a launch template: variables of the boot script, and gitlab-runner's settings.
 */
export function bootVariables(launchTemplateData: Properties) {
  const { 'Fn::Base64': content } = launchTemplateData.UserData as {
    'Fn::Base64': { 'Fn::Join': [string, unknown[]] };
  };
  const script = content['Fn::Join'][1]
    .map((part) =>
      typeof part === 'string'
        ? part
        : `[${Object.values(part as object)
            .flat()
            .join('.')}]`,
    )
    .join('');
  const [assignments = ''] = script.split('set -Eeuo pipefail');
  const read = (name: string) => execFileSync('bash', ['-c', `${assignments}\nprintf %s "$${name}"`]).toString();
  const { runners } = parse(`[[runners]]\n${read('runner_settings')}`) as unknown as { runners: [Properties] };
  return { read, runner: runners[0] };
}
