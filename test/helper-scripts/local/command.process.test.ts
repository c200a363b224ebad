import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CommandFailedError, runCommand } from '../../../helper-scripts/local/command.process.ts';

/** Runs a shell script, and returns what it was heard to say. */
async function hear(script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'command-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const logFile = join(folder, 'log');
  const lines: string[] = [];
  const options = { cwd: folder, environment: process.env, logFile, onLine: (line: string) => lines.push(line) };
  const end = await runCommand('sh', ['-c', script], options).catch((error: unknown) => error);
  return { end, lines, log: () => readFileSync(logFile, 'utf8') };
}

it('a line is told once it is whole, also when it comes in pieces and without an end', async () => {
  const { end, lines } = await hear('printf "one "; sleep 0.3; printf "line\\n\\n"; printf "and another"');
  expect(lines).toEqual(['one line', 'and another']);
  expect(end).toBe('one line\n\nand another');
});

it('the error of a program that fails says how it ended, and what it said last', async () => {
  const { end, lines, log } = await hear('echo "no network" >&2; exit 6');
  expect(end).toBeInstanceOf(CommandFailedError);
  expect(String(end)).toMatch(/ended with 6:\nno network/);
  expect(lines).toEqual(['no network']);
  await expect.poll(log).toMatch(/no network/);
});
