import { createDeploymentApp } from '../infrastructure/lib/deployment-app.construct.ts';
import { AutoscalerStack } from './autoscaler.stack.ts';

const { app, deployment, stackProps } = await createDeploymentApp('autoscaler');
new AutoscalerStack(app, 'Autoscaler', { ...stackProps, deployment });
