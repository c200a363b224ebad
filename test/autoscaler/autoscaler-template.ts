import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';

/**
 * The autoscaler's template for a deployment; synthesizing takes seconds the first time, so tests share what they can.
 */
export function autoscalerTemplate(input: DeploymentInput = {}): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  return Template.fromStack(new AutoscalerStack(app, 'Autoscaler', { deployment: defineDeployment(input) }));
}
