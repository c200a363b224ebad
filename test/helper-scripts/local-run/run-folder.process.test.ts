import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { takeRunFolder } from '../../../helper-scripts/local-run/run-folder.process.ts';

const parent = mkdtempSync(join(tmpdir(), 'run-folder-'));
afterAll(() => rmSync(parent, { recursive: true }));

it('a run takes its folder empty, and gives it back with what it wrote', () => {
  const folder = join(parent, 'one/run');
  takeRunFolder(folder)();
  writeFileSync(join(folder, 'old.log'), 'old');
  const giveBack = takeRunFolder(folder);
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, 'new.log'), 'new');
  giveBack();
  expect(readFileSync(join(folder, 'new.log'), 'utf8')).toBe('new');
  expect(existsSync(`${folder}.pid`)).toBe(false);
});

it('a second run is refused while the first is alive, and loses it nothing', async () => {
  const folder = join(parent, 'two');
  takeRunFolder(folder);
  writeFileSync(join(folder, 'its.log'), 'its');
  const first = spawn('sleep', ['60']);
  writeFileSync(`${folder}.pid`, `${first.pid}\n`);
  expect(() => takeRunFolder(folder)).toThrow(
    new RegExp(`another run is up in ${folder}: process ${first.pid}\\. End it first`),
  );
  expect(readFileSync(join(folder, 'its.log'), 'utf8')).toBe('its');

  first.kill();
  await once(first, 'close');
  takeRunFolder(folder);
  expect(readdirSync(folder)).toEqual([]);
});
