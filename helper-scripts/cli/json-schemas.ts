import * as z from 'zod';
import { mappingItemSchema } from '../../autoscaler/job-mappings/job-mapping.ts';
import { deploymentJsonSchema, deploymentSchemaFileName } from '../schemas/deployment-schema.ts';

/**
 * The JSON schemas that editors complete and check files with, by the name of their file: made of the schemas that the
 * code reads with.
 */
export const jsonSchemas: Readonly<Record<string, () => object>> = {
  'job-mappings.schema.json': () =>
    jsonSchemaOf(z.array(mappingItemSchema), {
      title: 'Job mappings of gitlab-runners-on-demand',
      description:
        'Which job runs where: a list of rows as they stand in the job mappings table. What is for people goes into "note".',
    }),
  [deploymentSchemaFileName]: deploymentJsonSchema,
};

/** Draft 7 is what editors' YAML and JSON extensions all know. */
function jsonSchemaOf(
  schema: z.core.$ZodType,
  about: { readonly title: string; readonly description: string },
): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' });
  return { $schema, ...about, ...rest };
}
