import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `npm run bench [-- NAME...]`: runs the benchmarks of this folder, one after the other, each in a process of its own.
 */
const suffix = '.bench.ts';
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
  .sort();
const named = process.argv.slice(2);
const unknown = named.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark "${unknown.join('", "')}": use ${known.join(', ')}, or none of them for all.`);
  process.exit(1);
}
for (const name of named.length > 0 ? named : known) {
  console.log(`\n${name}\n`);
  const program = join(import.meta.dirname, name + suffix);
  const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
