import { resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { AppSource } from '../../helper-scripts/local-run/deploy-apps.process.ts';
import { LocalRun } from '../../helper-scripts/local-run/local-run.process.ts';
import { freePort } from '../support/free-port.ts';
import { runnerEnvironment, runnerUnderTest } from '../support/runner-under-test.ts';
import { World } from './world.ts';

/**
 * A local AWS and GitLab for the scenarios of one file, with everything deployed and IAM enforced.
 *
 * @param olderApps what is deployed instead of this version, where it is given
 */
export function ownWorld(name: string, olderApps?: AppSource): () => World {
  let run: LocalRun | undefined;
  let world: World | undefined;

  beforeAll(async () => {
    const { kind } = await runnerUnderTest();
    run = new LocalRun({
      folder: resolve(import.meta.dirname, `../../.local/${name}-with-${kind}`),
      awsPort: await freePort(),
      gitlabPort: await freePort(),
      bootDelayMilliseconds: 1_000,
      longLivedRunnerTags: ['long-lived'],
      olderApps,
      // What is tested must not depend on whether a container engine or a gitlab-runner is there.
      environment: { ...runnerEnvironment, LOCAL_LAMBDA_PACKAGING: 'zip' },
    });
    await run.start((line) => {
      if (/cdk|Local|Package of|jobs run with/.test(line)) console.log(`${name}: ${line}`);
    });
    // Deploying needs more rights than running: from here on every missing grant is an error.
    await run.aws.enforceIam(true);
    world = new World(run);
  });

  afterAll(() => run?.stop());

  return () => {
    if (!world) throw new Error('the world of this file is not there yet: look at it inside a test');
    return world;
  };
}
