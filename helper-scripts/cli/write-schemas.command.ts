import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { jsonSchemas } from './json-schemas.ts';

/** Writes every JSON schema anew; to be run, and its outcome to be committed, when a schema of the code has changed. */
const repository = resolve(import.meta.dirname, '../..');
const files = Object.entries(jsonSchemas).map(([name, schema]) => ({
  path: join(repository, 'helper-scripts/schemas', name),
  schema,
}));

await mkdir(join(repository, 'helper-scripts/schemas'), { recursive: true });
for (const { path, schema } of files) await writeFile(path, JSON.stringify(schema()));
const biome = join(repository, 'node_modules/.bin/biome');
const { status } = spawnSync(biome, ['format', '--write', ...files.map(({ path }) => path)], {
  cwd: repository,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
