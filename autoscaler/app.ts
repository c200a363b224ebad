import { startDeploymentApp } from '../infrastructure/kit/cdk/deployment-app.construct.ts';
import { AutoscalerStack } from './autoscaler.stack.ts';

const { app, deployment, stackProps } = await startDeploymentApp('autoscaler');
new AutoscalerStack(app, 'Autoscaler', { ...stackProps, deployment });
