import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { Ec2RunnerAmiStack } from '../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { InfrastructureStack } from '../../infrastructure/infrastructure.stack.ts';
import type { AppName } from '../../infrastructure/kit/cdk/parameter-names.ts';
import { LambdaShellRunnerStack } from '../../lambda-shell-runner/lambda-shell-runner.stack.ts';
import type { Resource } from './idle-resources.ts';

const stacks: Readonly<Record<AppName, (props: { readonly deployment: Deployment }) => Stack>> = {
  infrastructure: (props) => new InfrastructureStack(new App(), 'Stack', props),
  'lambda-shell-runner': (props) => new LambdaShellRunnerStack(new App(), 'Stack', props),
  'ec2-runner-ami': (props) => new Ec2RunnerAmiStack(new App(), 'Stack', { ...props, buildNow: true }),
  autoscaler: (props) => new AutoscalerStack(new App(), 'Stack', props),
};
const allApps = Object.keys(stacks) as AppName[];

/** The resources of a deployment's apps, as `cdk deploy` makes them when nothing else is said. */
export function resourcesOf(deployment: Deployment, apps: readonly AppName[] = allApps): readonly Resource[] {
  return apps.flatMap((app) => {
    const template = Template.fromStack(stacks[app]({ deployment })).toJSON() as {
      Resources: Record<string, Resource>;
    };
    return Object.values(template.Resources);
  });
}
