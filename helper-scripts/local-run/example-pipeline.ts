import { parse, stringify } from 'yaml';

type Pipeline = Record<string, Record<string, unknown>>;

/** The example pipeline with more of the same jobs, half on Lambda and half on EC2, until it has `jobs` of them. */
export function widenPipeline(yamlText: string, jobs: number): string {
  const pipeline = parse(yamlText) as Pipeline;
  const missing = jobs - countJobs(pipeline);
  for (let number = 1; number <= missing; number += 1) {
    const onLambda = number % 2 === 1;
    pipeline[`extra ${onLambda ? 'function' : 'instance'} ${number}`] = {
      stage: onLambda ? 'check' : 'build',
      tags: onLambda ? ['aws'] : ['aws', 'big'],
      script: ['echo "one more"'],
    };
  }
  return stringify(pipeline);
}

/** How many jobs a pipeline has, parallel and matrix jobs counted one by one. */
export function countJobs(pipeline: Pipeline): number {
  return Object.values(pipeline)
    .filter((job) => job && 'script' in job)
    .reduce((sum, job) => sum + copiesOf(job.parallel), 0);
}

function copiesOf(parallel: unknown): number {
  if (typeof parallel === 'number') return parallel;
  const matrix = (parallel as { matrix?: Record<string, unknown[]>[] } | undefined)?.matrix;
  if (!matrix) return 1;
  return matrix.reduce(
    (sum, row) => sum + Object.values(row).reduce((product, values) => product * values.length, 1),
    0,
  );
}
