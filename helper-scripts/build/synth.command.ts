import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { appNames } from '../../infrastructure/kit/cdk/parameter-names.ts';

const repository = resolve(import.meta.dirname, '../..');

// Each app as `cdk deploy` in its folder would synthesize it; words after `--` go to the CDK (`-c deployment=NAME`).
// cdk-nag looks at the templates, too.
for (const app of appNames) {
  const { status } = spawnSync(
    'cdk',
    ['synth', '--quiet', '--no-notices', '-c', 'nag=true', ...process.argv.slice(2)],
    {
      cwd: join(repository, app),
      stdio: 'inherit',
    },
  );
  if (status !== 0) process.exit(status ?? 1);
  console.log(`${app}: synthesized into ${app}/cdk.out`);
}
