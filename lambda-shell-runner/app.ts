import { createDeploymentApp } from '../infrastructure/lib/deployment-app.construct.ts';
import { LambdaShellRunnerStack } from './lambda-shell-runner.stack.ts';

const { app, deployment, stackProps } = await createDeploymentApp('lambda-shell-runner');
new LambdaShellRunnerStack(app, 'LambdaShellRunner', { ...stackProps, deployment });
