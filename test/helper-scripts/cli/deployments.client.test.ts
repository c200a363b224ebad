import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deploymentNameOf, readDeployments } from '../../../helper-scripts/cli/deployments.client.ts';

const folder = mkdtempSync(join(tmpdir(), 'deployments-test-'));
function configWith(name: string, content: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, content);
  return file;
}
const deployment = (name: string, more = '') =>
  `{ name: '${name}', gitlab: { url: 'https://gitlab.example.com' }, profiles: { shell: { type: 'LAMBDA' } }${more} }`;
const inIreland = deployment('one', `, region: 'eu-west-1'`);
const two = configWith('two', `export default [${inIreland}, ${deployment('other')}];`);
const one = configWith('one', `export default [${inIreland}];`);

afterEach(() => vi.unstubAllEnvs());

describe('the deployment that a command works on', () => {
  it('is the one that was named, or the only one', async () => {
    vi.stubEnv('AWS_REGION', 'us-east-1');
    expect(await deploymentNameOf({ config: one })).toBe('one');
    expect(await deploymentNameOf({ config: two, deployment: 'other' })).toBe('other');
    expect(await deploymentNameOf({ config: two, deployment: 'elsewhere' })).toBe('elsewhere');
    await expect(deploymentNameOf({ config: two })).rejects.toThrow(
      /several deployments: add --deployment .* one, other/,
    );
  });

  it.each([
    ['where its configuration says', { config: two, deployment: 'one' }, 'eu-west-1'],
    ['where the environment says when its configuration does not', { config: two, deployment: 'other' }, 'us-east-1'],
    ['where --region says', { config: one, region: 'us-east-1' }, 'us-east-1'],
  ])('is %s', async (_, options, region) => {
    vi.stubEnv('AWS_REGION', 'us-east-1');
    await deploymentNameOf(options);
    expect(process.env.AWS_REGION).toBe(region);
  });

  it('needs no configuration when it is named, unless a file was named as well', async () => {
    const faulty = configWith('faulty', 'throw Object.assign(new Error("faults"), { name: "DeploymentConfigError" })');
    await expect(deploymentNameOf({ config: faulty })).rejects.toThrow('faults');
    await expect(deploymentNameOf({ config: faulty, deployment: 'one' })).rejects.toThrow('faults');
    expect(await deploymentNameOf({ deployment: 'of-somebody-else' })).toBe('of-somebody-else');
  });
});

describe('a configuration', () => {
  it('may have one deployment as it is, without a list', async () => {
    const [only, ...others] = await readDeployments(configWith('bare', `export default ${inIreland};`));
    expect(only).toMatchObject({ name: 'one', region: 'eu-west-1' });
    expect(others).toEqual([]);
  });

  it.each([
    ['that is not there', join(folder, 'nowhere.ts'), /There is no file .*nowhere\.ts/],
    ['with faults', configWith('faults', 'export default { nmae: 1 };'), /nmae.*name/s],
  ])('%s is refused', async (_, file, message) => {
    await expect(readDeployments(file)).rejects.toThrow(message);
  });
});
