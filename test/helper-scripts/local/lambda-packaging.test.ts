import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chooseLambdaPackaging } from '../../../helper-scripts/local/lambda-packaging.process.ts';

/** A container engine that answers, or not. */
function engineThat(answers: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'engine');
  writeFileSync(program, `#!/bin/sh\nexit ${answers ? 0 : 1}\n`);
  chmodSync(program, 0o755);
  return program;
}

describe('how the Lambda shell runner is deployed locally', () => {
  it.each([
    ['nobody asks for the image and there is no engine', {}, false, 'zip', /no container engine.*PATH/],
    ['nobody asks for the image, which is offered', {}, true, 'zip', /LOCAL_LAMBDA_PACKAGING=image/],
    ['the image is asked for', { LOCAL_LAMBDA_PACKAGING: 'image' }, true, 'image', /container engine/],
    ['the bundle is asked for', { LOCAL_LAMBDA_PACKAGING: 'zip' }, true, 'zip', /says so/],
  ])('is told when %s', async (_when, environment, answers, packaging, because) => {
    const chosen = await chooseLambdaPackaging({ ...environment, CDK_DOCKER: engineThat(answers) });
    expect(chosen).toEqual({ packaging, because: expect.stringMatching(because) });
  });

  it.each([
    ['an image that nobody can build', 'image', /no container engine answers/],
    ['a word that it does not know', 'tar', /write "image" or "zip"/],
  ])('is refused for %s', async (_what, wanted, message) => {
    const environment = { LOCAL_LAMBDA_PACKAGING: wanted, CDK_DOCKER: engineThat(false) };
    await expect(chooseLambdaPackaging(environment)).rejects.toThrow(message);
  });
});
