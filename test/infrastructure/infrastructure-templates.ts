import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { InfrastructureStack } from '../../infrastructure/infrastructure.stack.ts';

export type Resource = { Type: string; Properties: Record<string, unknown>; DeletionPolicy?: string };

export const env = { account: '000000000000', region: 'eu-west-1' };

/** The app's only stack, for a deployment with these settings; for no account in particular unless `env` is given. */
export function stackOf(input: DeploymentInput = {}, props: { env?: typeof env } = {}) {
  const deployment = defineDeployment(input);
  const stackName = `${deployment.name}-infrastructure`;
  return new InfrastructureStack(new App(), 'Infrastructure', { ...props, stackName, deployment });
}

export const templateOf = (input: DeploymentInput = {}) => Template.fromStack(stackOf(input));

export function resourcesOf(template: Template, type: string): Resource[] {
  return Object.values(template.findResources(type)) as Resource[];
}

/** The values of the published parameters, by their key in `exports.ts`. */
export function publishedBy(template: Template, deploymentName = 'gitlab-runners') {
  const parameters = resourcesOf(template, 'AWS::SSM::Parameter').map(({ Properties }) => Properties);
  const read = (name: string) => parameters.find((parameter) => parameter.Name === name)?.Value;
  const names = Object.entries(infrastructureParameters(deploymentName));
  return Object.fromEntries(names.map(([key, name]) => [key, read(name)]));
}

/** Settings of a deployment whose network exists already. */
export const existingNetwork = {
  vpcId: 'vpc-1',
  subnetIds: ['subnet-1', 'subnet-2'],
  securityGroupIds: ['sg-1', 'sg-2'],
};
