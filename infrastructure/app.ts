import { InfrastructureStack } from './infrastructure.stack.ts';
import { startDeploymentApp } from './kit/cdk/deployment-app.construct.ts';

const { app, deployment, stackProps } = await startDeploymentApp('infrastructure');
new InfrastructureStack(app, 'Infrastructure', { ...stackProps, deployment });
