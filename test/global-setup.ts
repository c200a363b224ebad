import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLambdas } from '../helper-scripts/build/build.command.ts';

let folder: string | undefined;

/**
 * Templates and handler tests take the bundles: no test runs on stale ones. What the tests put into the system's temporary folder (the CDK alone
 * leaves one for each app) goes into a folder of this run, which the workers and their processes inherit.
 */
export async function setup(): Promise<void> {
  folder ??= mkdtempSync(join(tmpdir(), 'runner-tests-'));
  process.env.TMPDIR = folder;
  await buildLambdas();
}

/** Nothing of a run stays. */
export function teardown(): void {
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
