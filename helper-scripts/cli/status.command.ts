import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type DeploymentOptions, deploymentNameOf, readConfigured } from './deployments.client.ts';
import { isGivenUp } from './given-up.ts';
import { examples } from './help-examples.ts';
import { parseJobArgument } from './job-argument.ts';
import type { RunnerItems } from './runner-items.client.ts';
import { statusCells, statusDetails, statusHead } from './status-text.ts';
import { printTable } from './table.ts';
import type { HoldOf } from './turn-text.ts';
import { UsageError } from './usage-error.ts';
import type { PlacesTaken } from './waiting-text.ts';

const defaultWatchSeconds = 2;
const clearScreen = '\u001B[2J\u001B[H';

type StatusOptions = { readonly json?: boolean; readonly watch?: boolean | string };

/** Adds `status` to the command line. */
export function addStatusCommand(program: Command): void {
  program
    .command('status [job]')
    .description('live runners: job, state, type, host and age; or all that is known of one job, its ended runners too')
    .option('--json', 'print JSON, a list, instead of a table (with --watch one line for each look)')
    .option('--watch [seconds]', `look again every ${defaultWatchSeconds} seconds, or as many as given, until Ctrl-C`)
    .addHelpText('after', examples('status', 'status --watch 5', 'status 1977', 'status group/app/1977 --json'))
    .action(async (jobText: string | undefined, { json = false, watch }: StatusOptions) => {
      const job = jobText === undefined ? null : parseJobArgument(jobText);
      const seconds = watchSecondsOf(watch);
      const { openRunnerItems } = await import('./runner-items.client.ts');
      const options = program.opts<DeploymentOptions>();
      const items = await openRunnerItems(options);
      const maxAttempts = (await readConfigured(await deploymentNameOf(options), options))?.maxAttempts ?? null;
      do {
        const found = job ? await items.readOfJob(job) : await items.readLive();
        if (seconds !== null && process.stdout.isTTY && !json) process.stdout.write(clearScreen);
        if (json) console.log(JSON.stringify(found, null, seconds === null ? 2 : 0));
        else {
          const waits = { taken: await items.placesFor(found), holdOf: await items.holdsFor(found) };
          if (job) printJob(found, waits, jobText ?? '', seconds !== null);
          else printLive(found, waits, maxAttempts);
        }
        if (seconds !== null) await sleep(seconds * 1_000);
      } while (seconds !== null);
    });
}

/** null: look once. @throws {UsageError} */
function watchSecondsOf(watch: StatusOptions['watch']): number | null {
  if (watch === undefined || watch === false) return null;
  const seconds = watch === true ? defaultWatchSeconds : Number(watch);
  if (seconds > 0) return seconds;
  throw new UsageError(`--watch ${watch}: give a number of seconds`);
}

type Found = Awaited<ReturnType<RunnerItems['readLive']>>;
type Waits = { readonly taken: PlacesTaken; readonly holdOf: HoldOf };

function printLive(found: Found, { taken, holdOf }: Waits, maxAttempts: number | null): void {
  const rows = found.map((item) => statusCells(item, Date.now(), taken, holdOf));
  if (rows.length > 0) printTable(statusHead, rows);
  else console.log('no runner lives, and no job waits for one');
  const givenUp = found.filter((item) => isGivenUp(item, maxAttempts));
  for (const { event } of givenUp) {
    const name = `${event.projectId}/${event.jobId}`;
    console.log(`job ${name} was given up: mend why, and "retry ${name}" gives it new attempts`);
  }
}

function printJob(found: Found, { taken, holdOf }: Waits, jobText: string, watching: boolean): void {
  if (found.length === 0) {
    const message = `Nothing is known of the job ${jobText}: no mapping sent it to a runner of ours, or that is more than two weeks ago`;
    if (!watching) throw new UsageError(message);
    console.log(message);
  }
  for (const item of found) {
    printTable([], statusDetails(item, Date.now(), taken, holdOf));
    console.log();
  }
}
