import { describe, expect, it } from 'vitest';
import { LambdaImageError } from '../../../helper-scripts/local-run/lambda-image.process.ts';
import {
  LambdaPackagingError,
  type PackagingPlan,
  planLambdaPackaging,
  settleLambdaPackaging,
} from '../../../helper-scripts/local-run/lambda-packaging.process.ts';
import { FakeEngine } from './fake-engine.ts';

function planWith(engine: FakeEngine, wanted?: string): Promise<PackagingPlan> {
  return planLambdaPackaging({ LOCAL_LAMBDA_PACKAGING: wanted, CDK_DOCKER: engine.program });
}

describe('how the Lambda shell runner is to be deployed locally', () => {
  it('is the image where a container engine answers, and the zip may take its place', async () => {
    const engine = new FakeEngine({ info: 'exit 0' });
    expect(await planWith(engine)).toEqual({ packaging: 'image', engine: engine.engine(), mustBeImage: false });
  });

  it('is the zip where none answers, which is said', async () => {
    const because = expect.stringMatching(/no container engine answers .*gitlab-runner is taken from the PATH/);
    expect(await planWith(new FakeEngine({ info: 'exit 1' }))).toEqual({ packaging: 'zip', because });
    expect(await planLambdaPackaging({ CDK_DOCKER: '/nowhere/docker' })).toEqual({ packaging: 'zip', because });
  });

  it('is the zip when that is set by hand, and no engine is asked', async () => {
    const engine = new FakeEngine({ info: 'exit 0' });
    expect(await planWith(engine, 'zip')).toEqual({
      packaging: 'zip',
      because: expect.stringMatching(/LOCAL_LAMBDA_PACKAGING says so/),
    });
    expect(engine.calls).toEqual([]);
  });

  it('is nothing but the image when that is set by hand', async () => {
    expect(await planWith(new FakeEngine({ info: 'exit 0' }), 'image')).toMatchObject({ mustBeImage: true });
  });

  it('is nobody’s guess: an empty variable is none', async () => {
    expect(await planWith(new FakeEngine({ info: 'exit 0' }), '')).toMatchObject({ mustBeImage: false });
  });

  it.each([
    ['an image that nobody can build', 'image', /no container engine answers .*start it, or unset/],
    ['a word that it does not know', 'tar', /write "image" or "zip"/],
  ])('is refused for %s', async (_what, wanted, message) => {
    const plan = planWith(new FakeEngine({ info: 'exit 1' }), wanted);
    await expect(plan).rejects.toThrow(LambdaPackagingError);
    await expect(plan).rejects.toThrow(message);
  });
});

describe('how it is deployed in the end', () => {
  const image = (mustBeImage: boolean): PackagingPlan => ({
    packaging: 'image',
    engine: { command: 'docker', runFlags: '', connection: {} },
    mustBeImage,
  });
  const isBroken = () => Promise.reject(new LambdaImageError('the container image was not built: no network'));

  it('is the image once it is ready, and says what is in it', async () => {
    const settled = await settleLambdaPackaging(image(false), async () => 'gitlab-runner 19.3.0');
    expect(settled).toEqual({
      packaging: 'image',
      because: expect.stringMatching(/docker has built it, with gitlab-runner 19\.3\.0/),
    });
  });

  it('is the zip when the image cannot be had, and says why', async () => {
    expect(await settleLambdaPackaging(image(false), isBroken)).toEqual({
      packaging: 'zip',
      because: expect.stringMatching(/not built: no network\. So gitlab-runner is taken from the PATH/),
    });
  });

  it('is an error when the image was set by hand and cannot be had', async () => {
    const settled = settleLambdaPackaging(image(true), isBroken);
    await expect(settled).rejects.toThrow(LambdaPackagingError);
    await expect(settled).rejects.toThrow(/LOCAL_LAMBDA_PACKAGING is "image", and .*no network.*unset/);
  });

  it('does not hide that something else is broken', async () => {
    const isAborted = () => Promise.reject(new Error('aborted'));
    await expect(settleLambdaPackaging(image(false), isAborted)).rejects.toThrow(/^aborted$/);
  });

  it('is the zip without a look at any image when that was the plan', async () => {
    const plan: PackagingPlan = { packaging: 'zip', because: 'nothing else' };
    expect(await settleLambdaPackaging(plan, isBroken)).toEqual(plan);
  });
});
