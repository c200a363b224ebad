import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** What can be mutated: our programs. */
const sources = ['autoscaler', 'infrastructure', 'lambda-shell-runner', 'ec2-runner-ami', 'helper-scripts'];

export type MutationPlan = { readonly stryker: object; readonly vitest: string };

/** Of the arguments, which say nothing that can be run; the message says what to write instead. */
export class MutationArgumentError extends Error {
  override readonly name = 'MutationArgumentError';
}

/**
 * The configurations of a mutation run.
 *
 * @param args files and folders of the repository, and `--tests` with a glob of the tests that shall notice; without it
 *   those of the folders in `test/` that mirror them
 * @param temporaryFolder for Stryker's copies, relative to the repository
 * @throws {MutationArgumentError}
 */
export function planMutation(args: readonly string[], repository: string, temporaryFolder: string): MutationPlan {
  const { positionals, values } = parse(args);
  const usage = 'write npm run mutate -- FOLDER, such as autoscaler/gate';
  if (positionals.length === 0) throw new MutationArgumentError(`No folder to mutate is named: ${usage}`);
  const paths = positionals.map((path) => path.replace(/^\.\/|\/+$/gu, ''));
  for (const path of paths) {
    if (!sources.includes(path.split('/')[0] ?? '')) {
      throw new MutationArgumentError(`"${path}" is not in one of ${sources.join(', ')}: ${usage}`);
    }
    if (!existsSync(join(repository, path))) throw new MutationArgumentError(`There is no "${path}" here: ${usage}`);
  }
  // Constructs are compared as templates, and a command is tried as a process.
  const mutate = paths.flatMap((path) =>
    path.endsWith('.ts') ? [path] : [`${path}/**/*.ts`, `!${path}/**/*.construct.ts`, `!${path}/**/*.command.ts`],
  );
  const include = values.tests ?? paths.map(testsOf);
  return {
    stryker: {
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner'],
      vitest: { configFile: 'vitest.mutation.config.ts', related: true },
      // Stryker would read our tsconfig.json with an API that TypeScript 7 has not.
      tsconfigFile: 'none.json',
      mutate,
      coverageAnalysis: 'perTest',
      concurrency: 2,
      reporters: ['clear-text', 'html'],
      clearTextReporter: { allowColor: false, skipFull: true, reportTests: false },
      ignorePatterns: ['.local', '**/cdk.out', 'dist'],
      tempDirName: temporaryFolder,
    },
    vitest:
      "import { defineConfig } from 'vitest/config';\n" +
      `export default defineConfig({ test: { include: ${JSON.stringify(include)}, testTimeout: 60_000 } });\n`,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { tests: { type: 'string', multiple: true } },
    });
  } catch (error) {
    throw new MutationArgumentError((error as Error).message, { cause: error });
  }
}

/** Tests lie in `test/` as the code lies in the repository. */
function testsOf(path: string): string {
  return path.endsWith('.ts')
    ? `test/${path.replace(/(?:\.[a-z]+)?\.ts$/u, '')}*.test.ts`
    : `test/${path}/**/*.test.ts`;
}
