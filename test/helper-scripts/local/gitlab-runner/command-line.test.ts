import { describe, expect, it } from 'vitest';
import { CommandLineError, parseCommandLine } from '../../../../helper-scripts/local/gitlab-runner/command-line.ts';

describe('the command line', () => {
  it('takes global flags before the command and long and short flags after it', () => {
    const line = parseCommandLine([
      '--log-format',
      'json',
      'run-single',
      '-u',
      'http://x',
      '--token=t',
      '--max-builds',
      '1',
    ]);
    expect(line).toEqual({
      command: 'run-single',
      logFormat: 'json',
      flags: { url: 'http://x', token: 't', 'max-builds': '1' },
    });
  });

  it('knows --version without a command', () => {
    expect(parseCommandLine(['--version']).command).toBe('version');
  });

  it.each([[['run']], [[]], [['run-single', '--unknown']], [['--log-format', 'xml', 'verify']], [['verify', 'more']]])(
    'refuses %j',
    (args) => {
      expect(() => parseCommandLine(args)).toThrow(CommandLineError);
    },
  );
});
