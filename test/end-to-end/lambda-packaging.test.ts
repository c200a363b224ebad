import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LocalRun } from '../../helper-scripts/local-run/local-run.process.ts';
import { FakeEngine } from '../helper-scripts/local-run/fake-engine.ts';
import { freePort } from '../support/free-port.ts';

const isBuilt = 'if test -e "$(dirname "$0")/no-network"; then echo "curl: (6) Could not resolve host"; exit 6; fi';

it('the local run builds the image that would be deployed, and goes on with the zip when it cannot', async () => {
  const engine = new FakeEngine({
    info: 'exit 0',
    image: 'exit 1',
    build: isBuilt,
    run: 'echo "Version: 19.3.0"; exec node --eval "$last"',
    ps: 'echo a-container',
    rm: 'exit 0',
  });
  const run = new LocalRun({
    folder: join(engine.folder, 'run'),
    awsPort: await freePort(),
    gitlabPort: await freePort(),
    bootDelayMilliseconds: 0,
    environment: { CDK_DOCKER: engine.program },
  });
  onTestFinished(() => run.stop());
  const { steps } = run;
  const settles = steps.findIndex(({ title }) => title.startsWith('Package of'));
  for (const step of steps.slice(0, settles)) await step.run(run, () => {});

  expect(await steps[settles]?.run(run, () => {})).toMatch(
    /^image: .*engine has built it, with gitlab-runner 19\.3\.0/,
  );
  expect(engine.calls.find((line) => line.startsWith('build'))).toMatch(
    / --tag cdkasset-[0-9a-f]{64} --platform linux/,
  );

  writeFileSync(join(engine.folder, 'no-network'), '');
  expect(await steps[settles]?.run(run, () => {})).toMatch(/^zip: the container image was not built: curl: \(6\)/);

  await run.stop();
  expect(engine.calls.at(-1)).toBe('rm --force a-container');
});
