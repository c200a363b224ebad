import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deploymentJsonSchema, deploymentSchemaFileName } from '../../../helper-scripts/schemas/deployment-schema.ts';
import { anyDeployment } from '../../infrastructure/deployment/inputs.ts';

const file = join(import.meta.dirname, '../../../helper-scripts/schemas', deploymentSchemaFileName);

describe('the JSON schema of deployments', () => {
  it('in the repository is the one that the code gives: write it again when this fails', () => {
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(deploymentJsonSchema());
  });

  const schema = z.fromJSONSchema(deploymentJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

  it('accepts what users may say', () => {
    fc.assert(
      fc.property(anyDeployment, (input) => {
        expect(schema.safeParse(JSON.parse(JSON.stringify(input))).error).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['an unknown setting', { maxConcurent: 3 }],
    ['an unknown type', { profiles: { a: { type: 'VM' } } }],
    ['a profile without type', { profiles: { a: { extends: 'b' } } }],
    ['a number outside of its range', { maxAttempts: 0 }],
    ['a malformed name', { name: 'CI West' }],
  ])('refuses %s', (_what, input) => {
    expect(schema.safeParse(input).success).toBe(false);
  });
});
