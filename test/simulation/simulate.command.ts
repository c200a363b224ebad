import { Command, InvalidArgumentError } from 'commander';
import { Listr } from 'listr2';
import { buildLambdas } from '../../helper-scripts/build/build.command.ts';
import { printTable } from '../../helper-scripts/cli/table.ts';
import { testStart } from '../support/builders.ts';
import { type Composition, realComposition } from './composition.ts';
import { generateSchedule } from './generate-schedule.ts';
import { burst as manyJobsAtOnce } from './many-jobs.ts';
import { mutants } from './mutants.ts';
import { runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';
import { describeViolation, selectFrom } from './schedule-text.ts';
import { shrinkSchedule } from './shrink-schedule.ts';
import { createStatistics } from './statistics.ts';

type Options = {
  readonly runs: number;
  readonly seed?: number;
  readonly jobs?: readonly number[];
  readonly faults?: readonly number[];
  readonly bug?: string;
  readonly burst?: number;
};

/** Whoever reads more has enough to mend. */
const mostViolations = 10;
const barCharacters = 30;

const program: Command = new Command('simulate')
  .description(
    'Runs random schedules of jobs and faults in virtual time, and checks after every step what must always hold',
  )
  .option('--runs <number>', 'how many schedules, from the seed on', wholeNumber, 5_000)
  .option('--seed <number>', 'seed of the first schedule (default: a new one)', wholeNumber)
  .option('--jobs <list>', 'run only these jobs of the one schedule with the seed, and tell all that happens', numbers)
  .option('--faults <list>', 'the same for faults; "none" for none', numbers)
  .option(
    '--burst <jobs>',
    'run so many jobs at once instead, 1500 under GitLab.com’s limit of calls; that takes minutes',
    wholeNumber,
  )
  .option('--bug <name>', 'plant one of the bugs that the tests plant')
  .addHelpText(
    'after',
    `\nBugs:\n${Object.keys(mutants)
      .map((name) => `  ${name}\n`)
      .join('')}`,
  );

program.parse();
await simulate(program.opts<Options>());

async function simulate({ runs, seed = Date.now() % 1_000_000_000, jobs, faults, bug, burst }: Options) {
  const composition = bug === undefined ? realComposition : mutants[bug];
  if (!composition) program.error(`There is no bug "${bug}" to plant: see --help.`);
  // The workflows come from the template, and the template takes the bundles.
  await buildLambdas();
  if (burst !== undefined) return tellOf(manyJobsAtOnce(seed, burst), composition);
  if (jobs || faults) return replay(seed, jobs, faults, composition);
  const statistics = createStatistics();
  const found: string[] = [];
  const work = async (tell: (done: number) => void) => {
    for (let run = 0; run < runs && found.length < mostViolations; run += 1) {
      const schedule = generateSchedule(seed + run);
      const report = await runSchedule(schedule, composition);
      statistics.add(schedule.seed, report);
      if (report.violation) found.push(describeViolation(await shrinkSchedule(schedule, report, composition)));
      tell(run + 1);
    }
  };
  console.log(`Simulating ${runs} schedules from seed ${seed}`);
  await withProgress(runs, () => found.length, work);
  printTable(['', ''], statistics.rows());
  for (const text of found) console.log(`\n${text}`);
  process.exitCode = found.length > 0 ? 1 : 0;
}

/** A bar on a terminal, a line now and then elsewhere. */
async function withProgress(
  runs: number,
  violations: () => number,
  work: (tell: (done: number) => void) => Promise<void>,
): Promise<void> {
  const textOf = (done: number) => {
    const filled = Math.round((done / runs) * barCharacters);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(barCharacters - filled)}`;
    return `${bar} ${done} of ${runs}, violations: ${violations()}`;
  };
  if (!process.stdout.isTTY) {
    const every = Math.ceil(runs / 20);
    return work((done) => {
      if (done % every === 0 || done === runs) console.log(textOf(done));
    });
  }
  await new Listr([
    {
      title: textOf(0),
      task: (_, task) =>
        work((done) => {
          task.title = textOf(done);
        }),
    },
  ]).run();
}

/** One schedule that is not taken apart. */
async function tellOf(schedule: Schedule, composition: Composition): Promise<void> {
  const statistics = createStatistics();
  const report = await runSchedule(schedule, composition);
  statistics.add(schedule.seed, report);
  printTable(['', ''], statistics.rows());
  if (report.violation) console.log(`\nInvariant ${report.violation.invariant} is violated: ${report.violation.what}`);
  process.exitCode = report.violation ? 1 : 0;
}

async function replay(
  seed: number,
  jobs: Options['jobs'],
  faults: Options['faults'],
  composition: Composition,
): Promise<void> {
  const schedule = selectFrom(generateSchedule(seed), { ...(jobs && { jobs }), ...(faults && { faults }) });
  const report = await runSchedule(schedule, composition, (at, line) => {
    console.log(`${((at - testStart) / 1_000).toFixed(2).padStart(9)} ${line}`);
  });
  console.log(report.violation ? `\n${describeViolation({ schedule, report })}` : '\nNo invariant is violated.');
  process.exitCode = report.violation ? 1 : 0;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, such as 1000.');
  return Number(text);
}

function numbers(text: string): readonly number[] {
  if (text === 'none') return [];
  return text.split(',').map(wholeNumber);
}
