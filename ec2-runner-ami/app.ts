import { startDeploymentApp } from '../infrastructure/kit/cdk/deployment-app.construct.ts';
import { Ec2RunnerAmiStack } from './ec2-runner-ami.stack.ts';

const { app, deployment, stackProps } = await startDeploymentApp('ec2-runner-ami');
/** `cdk deploy -c buildImage=false` does not wait for an image. */
const buildNow = String(app.node.tryGetContext('buildImage')) !== 'false';
new Ec2RunnerAmiStack(app, 'Ec2RunnerAmi', { ...stackProps, deployment, buildNow });
