import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importConfigFile } from '../../../infrastructure/deployment/config-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('a configuration file', () => {
  it('is what it exports by default, or nothing', async () => {
    expect(await importConfigFile(fileWith('good.mjs', "export default { name: 'ci' };"))).toEqual({ name: 'ci' });
    expect(await importConfigFile(fileWith('empty.mjs', 'export const name = 1;'))).toBeUndefined();
  });

  it('that imports what is not there is told as that, by its name', async () => {
    const reading = importConfigFile(fileWith('import.mjs', "import { x } from './other'; export default x;"));
    await expect(reading).rejects.toMatchObject({ name: 'DeploymentConfigError' });
    await expect(reading).rejects.toThrow(/import\.mjs cannot be loaded: .*other.* with their file endings/);
  });

  it('that throws of its own accord is heard', async () => {
    const path = fileWith('throws.mjs', "throw new RangeError('no such region')");
    await expect(importConfigFile(path)).rejects.toThrow(new RangeError('no such region'));
  });
});
