import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const autoscaler = resolve(import.meta.dirname, '../../autoscaler');

/** The rooms of the autoscaler from the ground up. A room knows those below it, types included, and none beside it. */
const floors: readonly (readonly string[])[] = [
  ['job-mappings'],
  ['environment'],
  ['runner-store'],
  ['events', 'workflow'],
  ['runner-types/contract'],
  ['runner-types/ec2', 'runner-types/lambda'],
  ['runner-types'],
  ['demand'],
  ['gitlab'],
  ['end-runner'],
  ['gate'],
  ['start-runner', 'bind-runner', 'stop-runner', 'interrupt-runner', 'reconcile', 'destroy'],
  ['the app itself'],
];

/** A file's room by its path in the app: its folder, of runner types the type's. */
function roomOf(file: string): string {
  const [folder = '', type = '', name] = file.split('/');
  if (type === '') return 'the app itself';
  return folder === 'runner-types' && name !== undefined ? `${folder}/${type}` : folder;
}

function importsOf(file: string): readonly string[] {
  const source = readFileSync(join(autoscaler, file), 'utf8');
  return [...source.matchAll(/(?:from |import\()'(\.{1,2}\/[^']+)'/g)]
    .map(([, path = '']) => resolve(autoscaler, dirname(file), path))
    .filter((path) => path.startsWith(`${autoscaler}/`))
    .map((path) => path.slice(autoscaler.length + 1));
}

const files = globSync('**/*.ts', { cwd: autoscaler, exclude: ['cdk.out/**'] });
const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));
const steps = files.flatMap((file) =>
  importsOf(file).map((imported) => ({ file, imported, from: roomOf(file), to: roomOf(imported) })),
);

describe('the rooms of the autoscaler', () => {
  it('are all on a floor', () => {
    const rooms = [...new Set(files.map(roomOf))].sort();
    expect(rooms).toEqual(floors.flat().sort());
  });

  it('know only those below', () => {
    const wrong = steps.filter(({ from, to }) => from !== to && floorOf(to) >= floorOf(from));
    expect(wrong.map(({ file, imported }) => `${file} imports ${imported}`)).toEqual([]);
  });

  it('make their own Lambdas, with their rights beside their code', () => {
    const isMadeBeside = (lambda: string) =>
      files
        .filter((file) => dirname(file) === dirname(lambda) && file.endsWith('.construct.ts'))
        .some((file) => readFileSync(join(autoscaler, file), 'utf8').includes(`'${basename(lambda)}'`));
    const lambdas = files.filter((file) => file.endsWith('.lambda.ts'));
    expect(lambdas.length).toBeGreaterThan(15);
    expect(lambdas.filter((lambda) => !isMadeBeside(lambda))).toEqual([]);
  });

  it('are looked at: their imports are seen, of types too', () => {
    const seen = steps.map(({ file, imported }) => `${file} imports ${imported}`);
    expect(seen).toContain('demand/waits.ts imports runner-store/runner-item.ts');
    expect(seen.length).toBeGreaterThan(500);
  });
});
