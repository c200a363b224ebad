import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLambdas } from '../helper-scripts/build/build.command.ts';

let folder: string | undefined;

/**
 * Templates and handler tests take the bundles: no test runs on stale ones. What the tests put into the system's
 * temporary folder (the CDK alone leaves one for each app) goes into a folder of this run, which the workers and their
 * processes inherit.
 */
export async function setup(): Promise<void> {
  folder ??= mkdtempSync(join(tmpdir(), 'runner-tests-'));
  process.env.TMPDIR = folder;
  await buildLambdas();
}

/**
 * Nothing of a run stays. A worker may end a moment later and write until then: what is not empty is looked at again.
 */
export async function teardown(): Promise<void> {
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
