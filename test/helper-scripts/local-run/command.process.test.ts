import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CommandFailedError, runCommand } from '../../../helper-scripts/local-run/command.process.ts';

type Hearing = { readonly logFile?: string; readonly stopAt?: string };

/** Runs a shell script, and returns what it was heard to say. */
async function hear(script: string, { logFile, stopAt }: Hearing = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'command-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const lines: string[] = [];
  const stop = new AbortController();
  const end = await runCommand('sh', ['-c', script], {
    cwd: folder,
    environment: process.env,
    logFile: logFile ?? join(folder, 'log'),
    onLine: (line) => {
      lines.push(line);
      if (line === stopAt) stop.abort();
    },
    signal: stop.signal,
  }).catch((error: unknown) => error);
  const read = (name: string) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '');
  return { end, lines, log: read('log'), mark: read('mark') };
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
  expect(log).toMatch(/no network/);
});

it('all that it said is in the log when it has ended', async () => {
  const { end, log } = await hear('head --bytes 3000000 /dev/zero | tr "\\0" x');
  expect(String(end).length).toBe(3_000_000);
  expect(log.length).toBeGreaterThan(3_000_000);
});

it('a program that is stopped has ended when that is told, even if it leaves others with its output', async () => {
  const script = 'trap "sleep 0.3; echo ended > mark; exit" TERM; sleep 20 & echo started; wait';
  const { end, mark, log } = await hear(script, { stopAt: 'started' });
  expect(String(end)).toMatch(/AbortError/);
  expect(mark).toBe('ended\n');
  expect(log).toMatch(/started/);
});

it('a log that cannot be written fails the command and not the whole process', async () => {
  const { end } = await hear('echo done > mark', { logFile: '/' });
  expect(String(end)).toMatch(/EISDIR/);
});
