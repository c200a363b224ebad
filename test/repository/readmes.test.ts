import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const apps = ['infrastructure', 'autoscaler', 'lambda-shell-runner', 'ec2-runner-ami', 'helper-scripts', 'test'];
/** These mirror the folders of their names, which say what they are. */
const mirrors = apps.map((app) => `test/${app}`);
/** What lies there goes into images; the folder above says what it is. */
const contexts = ['lambda-shell-runner/image', 'lambda-shell-runner/example-image'];
/** With a glossary, a drawing, or a task for its reader. */
const mayBeLonger = ['autoscaler/README.md', 'autoscaler/demand/README.md', 'ec2-runner-ami/README.md'];
const mostLines = 20;

const withFiles = new Set(
  globSync('*/{*,*/*,*/*/*}.{ts,sh,json,py}', {
    cwd: repository,
    exclude: ['**/node_modules/**', '**/cdk.out/**'],
  }).map(dirname),
);
const folders = [...withFiles]
  .flatMap((folder) => [folder.split('/').slice(0, 1).join('/'), folder.split('/').slice(0, 2).join('/')])
  .filter((folder, index, all) => all.indexOf(folder) === index)
  .filter((folder) => apps.includes(folder.split('/')[0] ?? '') && ![...mirrors, ...contexts].includes(folder));

/** Files and folders that a README names, as it names them. */
function namedIn(text: string): readonly string[] {
  const words = [...text.matchAll(/`([^`\s]+)`/g)].map(([, word = '']) => word);
  return words.filter((word) => /^[\w./-]+\.(?:ts|sh|mjs|py|txt|json)$/.test(word) || /^[\w./-]+\/$/.test(word));
}

function isThere(name: string, folder: string): boolean {
  const places = [
    folder,
    join(folder, 'scenarios'),
    ...[...withFiles].filter((one) => one.startsWith(`${folder}/`)),
    '',
  ];
  return places.some((place) => existsSync(join(repository, place, name)));
}

describe.each(folders)('the folder %s', (folder) => {
  it('says what it is', () => {
    const file = `${folder}/README.md`;
    expect(existsSync(join(repository, file)), `${file} is missing`).toBe(true);
    const text = readFileSync(join(repository, file), 'utf8');
    if (!mayBeLonger.includes(file)) expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(mostLines);
    expect(namedIn(text).filter((name) => !isThere(name, folder))).toEqual([]);
  });
});

it('finds the folders, and the names in a text', () => {
  expect(folders).toEqual(expect.arrayContaining([...apps, 'autoscaler/gate', 'helper-scripts/cli']));
  expect(namedIn('See `a.ts`, `b/`, `npm start` and `word`.')).toEqual(['a.ts', 'b/']);
  expect(isThere('no-such-file.ts', 'autoscaler')).toBe(false);
});
