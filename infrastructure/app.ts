import { InfrastructureStack } from './infrastructure.stack.ts';
import { createDeploymentApp } from './lib/deployment-app.construct.ts';

const { app, deployment, stackProps } = await createDeploymentApp('infrastructure');
new InfrastructureStack(app, 'Infrastructure', { ...stackProps, deployment });
