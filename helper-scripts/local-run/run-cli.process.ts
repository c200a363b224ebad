import { join } from 'node:path';
import { inLocalAws } from '../local-aws/local-aws-environment.ts';
import { runCommand } from './command.process.ts';
import { deployment, repository } from './local-deployment.ts';
import type { LocalRunParts } from './local-run-parts.process.ts';

/** Runs our own command line as a user would, and returns what it prints. */
export function runCli(
  { aws, options }: Pick<LocalRunParts, 'aws' | 'options'>,
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return runCommand(
    'node',
    [join(repository, 'helper-scripts/cli/cli.command.ts'), '--deployment', deployment, ...args],
    {
      cwd: repository,
      environment: { ...inLocalAws(process.env, aws), ...environment },
      logFile: join(options.folder, 'cli.log'),
      input,
      signal: options.signal,
    },
  );
}
