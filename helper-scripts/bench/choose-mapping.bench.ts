import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import Table from 'cli-table3';
import { type AttributeValue, plainItemOf, storedItemOf } from '../../autoscaler/job-mappings/attribute-values.ts';
import { candidatesOf, chooseMapping, couldMatch } from '../../autoscaler/job-mappings/choose-mapping.ts';
import { isUsable, type JobMapping, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { createJobMappings } from '../../autoscaler/job-mappings/job-mappings.client.ts';
import type { JobToMap } from '../../autoscaler/job-mappings/judge-mapping.ts';
import { indexMappings } from '../../autoscaler/job-mappings/mapping-index.ts';

/*
 * What the job mappings cost a job, by the number of rows: reading them (once in ten seconds and process), looking for
 * one (once for each job), and what looking at every row would cost instead. Everything is also given as a multiple of
 * the same with 100 rows in the same run, since microseconds depend on the machine.
 */

const sizes = [100, 1_000, 10_000] as const;
const rounds = 21;
const shortestSampleMilliseconds = 4;

const types = [{ type: 'EC2', profile: 'default' }, { type: 'LAMBDA', arn: 'shell' }, { type: 'IGNORE' }] as const;
const itemOf = (name: string, index: number, tags = '', more: object = {}) => ({
  pk: `job#${name}`,
  sk: `tags#${tags}`,
  ...types[index % types.length],
  ...more,
});

/** Tables of which each is hard in its own way. */
const tables: Readonly<Record<string, (index: number) => object>> = {
  'a name for each row': (index) => itemOf(`job ${index}`, index),
  'a bit of everything': (index) => {
    if (index % 10 < 6) return itemOf(`job ${index % 3_000}`, index, `t${index}`);
    if (index % 10 < 8) return itemOf(`deploy-${index}-*`, index);
    if (index % 10 < 9) return itemOf('*', index, `t${index}`);
    return itemOf('job 7', index, `t${index % 90}#u${index}`, { project: `group-${index}/**` });
  },
  'every row for every job, by its tags': (index) => itemOf('*', index, `t${index}`),
  'every row for one job, by its project': (index) =>
    itemOf('job 7', index, `#${index}`, { project: `group-${index}/*` }),
  'globs that begin with a star': (index) => itemOf(`*-${index}`, index),
};

const jobs: readonly JobToMap[] = [
  { jobName: 'job 7', projectPath: 'group-9/app', tags: ['t7', 'linux'] },
  { jobName: 'deploy-17-production 3/28', projectPath: 'group/sub/app', tags: ['aws'] },
  { jobName: 'unheard of: [a, b]', projectPath: 'group/app', tags: [] },
];

type Prepared = { readonly rows: readonly JobMapping[]; readonly items: readonly Record<string, AttributeValue>[] };
type Work = () => unknown;

/** A reader of a table that answers at once, and whose every reading is a new one. */
function readerOf(items: Prepared['items']) {
  let clock = 0;
  const table = { send: async () => ({ Items: items }) } as unknown as DynamoDBDocumentClient;
  return createJobMappings(table, 'mappings', () => (clock += 60_000));
}

/** What is timed, prepared for a table, and of how many jobs it is. */
const subjects: Readonly<Record<string, { readonly jobs: number; readonly prepare: (table: Prepared) => Work }>> = {
  'read the rows for the first time': {
    jobs: 1,
    prepare:
      ({ items }) =>
      async () =>
        indexMappings((await readerOf(items).read()).mappings),
  },
  'read them again': {
    jobs: 1,
    prepare: ({ items }) => {
      const reader = readerOf(items);
      return async () => indexMappings((await reader.read()).mappings);
    },
  },
  'choose a row': {
    jobs: jobs.length,
    prepare:
      ({ rows }) =>
      () =>
        jobs.map((job) => chooseMapping(job, rows)),
  },
  'find the candidates': {
    jobs: jobs.length,
    prepare:
      ({ rows }) =>
      () =>
        jobs.map((job) => candidatesOf(job, rows)),
  },
  'look at every row': {
    jobs: jobs.length,
    prepare:
      ({ rows }) =>
      () =>
        jobs.map((job) => rows.filter((row) => couldMatch(row, job))),
  },
};

/** Microseconds of one call: as many calls as it takes to be measured. */
async function sample(work: Work): Promise<number> {
  for (let calls = 1; ; calls *= 4) {
    const start = performance.now();
    for (let call = 0; call < calls; call += 1) await work();
    const milliseconds = performance.now() - start;
    if (milliseconds >= shortestSampleMilliseconds) return (milliseconds * 1_000) / calls;
  }
}

const median = (samples: readonly number[]) =>
  [...samples].sort((a, b) => a - b)[(samples.length - 1) / 2] ?? Number.NaN;

for (const [title, makeItem] of Object.entries(tables)) {
  const prepared = sizes.map((size) => {
    const items = Array.from({ length: size }, (_, index) => storedItemOf({ ...makeItem(index) }));
    const rows = items.map((item) => readMapping(plainItemOf(item))).filter(isUsable);
    if (rows.length !== size) throw new Error(`${size - rows.length} rows of "${title}" are not valid`);
    return { rows, items };
  });
  const works = Object.entries(subjects).map(([name, { jobs: count, prepare }]) => ({
    name,
    count,
    ofSize: prepared.map((given) => ({ work: prepare(given), samples: [] as number[] })),
  }));
  // Round by round, so that a slow moment of the machine slows every size alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const { ofSize } of works) for (const { work, samples } of ofSize) samples.push(await sample(work));
  }
  const table = new Table({
    head: [title, ...sizes.map((size) => `${size} rows`)],
    style: { head: [], border: [] },
    colAligns: ['left', ...sizes.map(() => 'right' as const)],
  });
  for (const { name, count, ofSize } of works) {
    const each = ofSize.map(({ samples }) => median(samples) / count);
    const [smallest = Number.NaN] = each;
    table.push([name, ...each.map((time) => `${time.toFixed(1)} us (${(time / smallest).toFixed(1)} x)`)]);
  }
  console.log(table.toString());
}
console.log(`Medians of ${rounds} rounds on Node ${process.versions.node}; "x": the same with ${sizes[0]} rows.`);
