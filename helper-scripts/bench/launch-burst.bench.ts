import Table from 'cli-table3';
import { type Burst, simulateBurst, throttle } from '../../test/autoscaler/runner-types/ec2/launch-burst.ts';

/*
 * How long a burst of pending jobs waits until EC2 took the request for its last instance. EC2 allows few launches a
 * second, so that the number of calls decides. Time is virtual; the launcher, its client of EC2 and its waits are the
 * real ones.
 */

const seeds = [1, 2, 3, 4, 5];
const deployed = { batchSize: 10, consumers: 5, arrivalSeconds: 2 };
const ways: Readonly<Record<string, Omit<Burst, 'jobs' | 'seed'>>> = {
  'as deployed: up to ten jobs a call': deployed,
  'the same, all jobs at one moment': { ...deployed, arrivalSeconds: 0 },
  'the same, jobs come over 20 s': { ...deployed, arrivalSeconds: 20 },
  'the same, SQS gives 1 to 10 at a time': { ...deployed, partialBatches: true },
  'a call for each job': { ...deployed, batchSize: 1 },
  'a call for each job, 50 consumers': { ...deployed, batchSize: 1, consumers: 50 },
};

const worst = (values: readonly number[]) => Math.max(...values);
for (const jobs of [50, 500]) {
  const table = new Table({
    head: [`${jobs} jobs`, 'last instance requested', 'last ticket there', 'launch calls', 'of them refused', 'failed'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
  for (const [way, settings] of Object.entries(ways)) {
    const runs = [];
    for (const seed of seeds) runs.push(await simulateBurst({ ...settings, jobs, seed }));
    table.push([
      way,
      `${worst(runs.map((run) => run.lastRequestedSeconds)).toFixed(1)} s`,
      `${worst(runs.map((run) => run.lastGivenSeconds)).toFixed(1)} s`,
      worst(runs.map((run) => run.calls + run.refusals)),
      worst(runs.map((run) => run.refusals)),
      worst(runs.map((run) => run.failed)),
    ]);
  }
  console.log(table.toString());
}
const { bucket, refillPerSecond } = throttle;
console.log(
  `Virtual seconds, the worst of ${seeds.length} runs; EC2 takes ${bucket} launch calls at once and ${refillPerSecond} more each second.`,
);
