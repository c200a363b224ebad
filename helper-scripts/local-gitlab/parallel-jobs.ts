import type { JobConfig, Matrix } from './ci-schema.ts';

/** One of the jobs that a single entry of the file becomes. */
export interface JobInstance {
  readonly name: string;
  /** What `parallel:` adds: CI_NODE_INDEX, CI_NODE_TOTAL and the matrix's values. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Names as GitLab gives them: `rspec 1/3` for a number, `test: [linux, 22]` for a matrix. */
export function expandParallel(name: string, parallel: JobConfig['parallel']): readonly JobInstance[] {
  if (parallel === undefined) return [{ name, variables: {} }];
  if (typeof parallel === 'number') {
    return Array.from({ length: parallel }, (_, index) => ({
      name: `${name} ${index + 1}/${parallel}`,
      variables: nodeVariables(index, parallel),
    }));
  }
  const combinations = expandMatrix(parallel.matrix);
  return combinations.map((values, index) => ({
    name: `${name}: [${Object.values(values).join(', ')}]`,
    variables: { ...nodeVariables(index, combinations.length), ...values },
  }));
}

/** Every combination of each entry's values, the first variable changing slowest. */
function expandMatrix(matrix: Matrix): readonly Readonly<Record<string, string>>[] {
  return matrix.flatMap((entry) =>
    Object.entries(entry).reduce<readonly Readonly<Record<string, string>>[]>(
      (combinations, [key, values]) =>
        combinations.flatMap((combination) => values.map((value) => ({ ...combination, [key]: value }))),
      [{}],
    ),
  );
}

function nodeVariables(index: number, total: number): Readonly<Record<string, string>> {
  return { CI_NODE_INDEX: String(index + 1), CI_NODE_TOTAL: String(total) };
}
