import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLineError, readCommand, readGlobalFlags } from '../../../helper-scripts/local-runner/command-line.ts';
import { findGitLabRunner } from '../../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { bundleForTests, scratchFolder, startRunnerProgram } from './stand-in-run.ts';

interface RecordedLine {
  readonly about: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly exit: number;
  readonly lastLineOfStderr: string;
}

/** How the released gitlab-runner read its command line. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded-command-lines.json'), 'utf8')) as {
  readonly cases: readonly RecordedLine[];
};

/** Of the recordings: its URL answers nobody. */
const config = `[[runners]]
name = "x"
url = "http://127.0.0.1:9"
token = "glrt-not-a-real-token"
executor = "shell"
`;

/** Ten times faster than the clock. */
const scale = 0.1;

let scratch: ReturnType<typeof scratchFolder>;
let bundle: string;

beforeAll(async () => {
  scratch = scratchFolder();
  bundle = await bundleForTests(scratch.path);
});
afterAll(() => scratch.dispose());

/** As the recordings have it: cut, without colours, runs of blanks and what differs from run to run. */
function comparable(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/(correlation_id=)\S+/, '$1...')
    .replace(/(time=)"[^"]*"/, '$1"..."')
    .replace(/("time":)"[^"]*"/, '$1"..."')
    .replace(/ {2,}/g, ' ')
    .trim();
}

/** What a program does with a recorded line, and what was recorded of it. */
async function compare(runner: readonly string[], line: RecordedLine, speed: number) {
  const folder = join(scratch.path, `case-${crypto.randomUUID()}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.toml'), config);
  const { environment: env = {}, arguments: args } = line;
  const { exitCode, log } = await startRunnerProgram(runner, { folder, scale: speed, args, env }).ended;
  const lastLine = comparable(line.lastLineOfStderr);
  return {
    seen: { exitCode, lastLine: comparable(log.at(-1) ?? '').slice(0, lastLine.length) },
    recorded: { exitCode: line.exit, lastLine },
  };
}

describe.concurrent('the stand-in reads a command line as gitlab-runner 19.3.0 did', () => {
  it.each(recorded.cases)('$about', async (line) => {
    const { seen, recorded } = await compare([process.execPath, bundle], line, scale);
    expect(seen).toEqual(recorded);
  });

  it('in all the ways that are recorded', () => {
    expect(recorded.cases).toHaveLength(27);
  });
});

const real = await findGitLabRunner(process.env);

describe.concurrent('the real gitlab-runner reads a command line as recorded', () => {
  if (real.kind === 'real') {
    it.each(recorded.cases)('$about', async (line) => {
      const { seen, recorded } = await compare([real.path], line, 1);
      expect(seen).toEqual(recorded);
    });
  } else {
    it('or not: nobody asked it, since GITLAB_RUNNER names none and the PATH has none', () => {
      expect(real.kind).toBe('stand-in');
    });
  }
});

describe('flags before the command', () => {
  it('say how to log, over what the environment says', () => {
    const read = readGlobalFlags(['--log-format', 'json', 'run-single', '-r', 'x'], { LOG_FORMAT: 'text' });
    expect(read).toMatchObject({ logFormat: 'json', logLevel: 'info', rest: ['run-single', '-r', 'x'] });
    expect(readGlobalFlags(['run-single'], { LOG_FORMAT: 'text' }).logFormat).toBe('text');
  });

  it('can ask for the version without a command', () => {
    expect(readGlobalFlags(['--version'], {}).version).toBe(true);
  });

  it.each([['--log-format'], ['--log-level']])('are refused with a value that does not exist: %s', (flag) => {
    expect(() => readGlobalFlags([flag, 'xml', 'verify'], {})).toThrow(CommandLineError);
  });
});

describe('flags of a command', () => {
  it('have short and long names, of which one may be used', () => {
    const { flags } = readCommand(['run-single', '-u', 'http://x', '--token=t', '-max-builds', '1']);
    expect(flags).toEqual({ url: 'http://x', token: 't', 'max-builds': '1' });
    const both = ['run-single', '-c', 'one.toml', '--config', 'two.toml'];
    expect(() => readCommand(both)).toThrow('Cannot use two forms of the same flag: config c');
  });

  it('end with a word of two dashes', () => {
    expect(readCommand(['run-single', '-r', 'x', '--', '--max-builds', '1']).flags).toEqual({ runner: 'x' });
  });

  it.each([
    [['run'], 'Command run not found.'],
    [[], 'Command  not found.'],
    [['verify', '--max-builds', '1'], 'flag provided but not defined: -max-builds'],
    [['run-single', '--=x'], 'bad flag syntax: --=x'],
  ])('are refused where they are not known: %j', (args, message) => {
    expect(() => readCommand(args)).toThrow(message);
  });
});
