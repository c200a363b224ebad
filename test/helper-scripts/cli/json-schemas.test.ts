import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mappingAttributes } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { jsonSchemas } from '../../../helper-scripts/cli/json-schemas.ts';

const repository = resolve(import.meta.dirname, '../../..');

describe('the JSON schemas', () => {
  it.each(Object.keys(jsonSchemas))(
    '%s is what the code says: else run helper-scripts/cli/write-schemas.command.ts',
    (name) => {
      const committed = JSON.parse(readFileSync(join(repository, 'helper-scripts/schemas', name), 'utf8'));
      expect(committed).toEqual(jsonSchemas[name]?.());
    },
  );

  it('say of every attribute of a mapping what it means, and leave no room for others', () => {
    type Branch = { properties: Record<string, { description?: string }>; additionalProperties?: boolean };
    const schemaOf = jsonSchemas['job-mappings.schema.json'] ?? (() => ({}));
    const { items } = schemaOf() as { items: { oneOf: Branch[] } };
    const described = items.oneOf.flatMap(({ properties }) => Object.entries(properties).map(([name]) => name));
    expect(new Set(described)).toEqual(new Set(mappingAttributes));
    for (const { properties, additionalProperties } of items.oneOf) {
      expect(additionalProperties).toBe(false);
      for (const [name, { description }] of Object.entries(properties))
        if (name !== 'type') expect(description).toMatch(/\w{3}/);
    }
  });

  it('are named by the example, so that editors complete it', () => {
    const example = join(repository, 'helper-scripts/local-run/examples/job-mappings.yaml');
    const [, path] = /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(example, 'utf8')) ?? [];
    expect(existsSync(join(dirname(example), path ?? 'nothing'))).toBe(true);
    expect(path).toMatch(/job-mappings\.schema\.json$/);
  });
});
