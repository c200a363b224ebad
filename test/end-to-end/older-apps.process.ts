import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AppSource } from '../../helper-scripts/local-run/deploy-apps.process.ts';
import { appNames } from '../../infrastructure/kit/cdk/parameter-names.ts';

/** The version that an upgrade begins with: as its apps and its local run's configuration lay. */
const olderVersion = { commit: '492cab9', config: 'helper-scripts/local/deployment.config.ts' };

const repository = resolve(import.meta.dirname, '../..');

/**
 * The apps of an older version in a checkout of their own, with the npm packages of this one; undefined where this
 * repository's history does not reach so far.
 */
export function checkOutOlderApps(): AppSource | undefined {
  const { commit, config } = olderVersion;
  const folder = join(repository, '.local', `version-${commit}`);
  rmSync(folder, { recursive: true, force: true });
  const archive = spawnSync('git', ['archive', '--format=tar', commit], {
    cwd: repository,
    maxBuffer: 256 * 1_024 ** 2,
  });
  if (archive.status !== 0) return undefined;
  mkdirSync(folder, { recursive: true });
  const unpacked = spawnSync('tar', ['-x', '-C', folder], { input: archive.stdout });
  if (unpacked.status !== 0) throw new Error(`tar cannot unpack version ${commit}: ${unpacked.stderr}`);
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  for (const app of appNames) runByNode(join(folder, app, 'cdk.json'));
  const source = { repository: folder, config: join(folder, config) };
  if (!existsSync(source.config)) throw new Error(`version ${commit} has no ${config}`);
  return source;
}

/** What older versions ran with `tsx`, Node runs as well. */
function runByNode(cdkJson: string): void {
  writeFileSync(cdkJson, readFileSync(cdkJson, 'utf8').replaceAll('npx tsx ', 'npx node '));
}
