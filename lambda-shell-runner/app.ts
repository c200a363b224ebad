import { startDeploymentApp } from '../infrastructure/kit/cdk/deployment-app.construct.ts';
import { LambdaShellRunnerStack } from './lambda-shell-runner.stack.ts';

const { app, deployment, stackProps } = await startDeploymentApp('lambda-shell-runner');
new LambdaShellRunnerStack(app, 'LambdaShellRunner', { ...stackProps, deployment });
