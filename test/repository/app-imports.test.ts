import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');

/** What of other apps each app may import: their exports, and the rooms of `infrastructure/` that all share. */
const mayImport: Readonly<Record<string, readonly RegExp[]>> = {
  infrastructure: [],
  'lambda-shell-runner': [/^infrastructure\/(exports\.ts|(deployment|gitlab|gitlab-runner|kit)\/)/],
  'ec2-runner-ami': [/^infrastructure\/(exports\.ts|(deployment|gitlab|gitlab-runner|kit)\/)/],
  autoscaler: [
    /^infrastructure\/(exports\.ts|(deployment|gitlab|gitlab-runner|kit)\/)/,
    /^(lambda-shell-runner|ec2-runner-ami)\/exports\.ts$/,
  ],
};

function foreignImports(app: string): { readonly file: string; readonly imported: string }[] {
  return globSync(`${app}/**/*.ts`, { cwd: repository, exclude: ['**/cdk.out/**'] }).flatMap((file) => {
    const source = readFileSync(join(repository, file), 'utf8');
    return [...source.matchAll(/from '(\.{1,2}\/[^']+)'/g)]
      .map(([, path]) => relative(repository, resolve(repository, dirname(file), path ?? '')))
      .filter((imported) => !imported.startsWith(`${app}/`))
      .map((imported) => ({ file, imported }));
  });
}

describe.each(Object.entries(mayImport))('%s', (app, allowed) => {
  it('imports of other apps only what they export', () => {
    const forbidden = foreignImports(app).filter(({ imported }) => !allowed.some((pattern) => pattern.test(imported)));
    expect(forbidden).toEqual([]);
  });
});

it('sees the imports that there are', () => {
  expect(Object.keys(mayImport).filter((app) => foreignImports(app).length > 0)).toEqual([
    'lambda-shell-runner',
    'ec2-runner-ami',
    'autoscaler',
  ]);
});
