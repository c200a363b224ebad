import { fuzzJobHooks } from './fuzz-job-hooks.ts';

// node test/infrastructure/ingest/fuzz-job-hooks.command.ts [COUNT] [SEED]: the real handler with so many random and
// mutated hooks.
const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number);
const { answers, faults } = await fuzzJobHooks(seed, count);
console.log(
  `seed ${seed}: ${[...answers]
    .sort()
    .map(([status, times]) => `${times} x ${status}`)
    .join(', ')}`,
);
for (const fault of faults.slice(0, 10)) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
