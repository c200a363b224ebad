import { z } from 'zod';
import { deploymentSchema } from '../../infrastructure/deployment/deployment.ts';

/** Where the schema is kept, beside this file. */
export const deploymentSchemaFileName = 'deployment.schema.json';

/**
 * The JSON schema of one deployment's configuration, as `defineDeployment` takes it: for editors, and for tools that
 * write configurations. What depends on several settings together (`extends`, sizes, architectures) only
 * `defineDeployment` checks.
 */
export function deploymentJsonSchema(): Readonly<Record<string, unknown>> {
  // Draft 7 is what editors' extensions all know.
  const { $schema, ...schema } = z.toJSONSchema(deploymentSchema, { target: 'draft-7', io: 'input' });
  return { $schema, title: 'Deployment of gitlab-runners-on-demand', ...schema };
}
