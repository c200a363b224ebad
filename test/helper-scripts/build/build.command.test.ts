import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildLambdas } from '../../../helper-scripts/build/build.command.ts';

it('a bundle can be read by Lambda’s user, whatever the umask where it is built', async () => {
  const destination = mkdtempSync(join(tmpdir(), 'bundles-'));
  const umask = process.umask(0o077);
  onTestFinished(() => {
    process.umask(umask);
    rmSync(destination, { recursive: true });
  });
  const [folder = ''] = await buildLambdas(['ec2-runner-ami'], destination);
  expect(statSync(join(folder, 'index.mjs')).mode & 0o777).toBe(0o644);
});
