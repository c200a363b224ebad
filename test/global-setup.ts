import { buildLambdas } from '../helper-scripts/build/build.command.ts';

/** Templates and handler tests take the bundles: no test runs on stale ones. */
export async function setup(): Promise<void> {
  await buildLambdas();
}
