import type { Command } from 'commander';
import type { DeadLetter } from './dead-letter.ts';
import type { DeadLetterQueue } from './dead-letters.client.ts';
import type { DeploymentOptions } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { printable, printTable } from './table.ts';
import { ageText } from './time-text.ts';
import { UsageError } from './usage-error.ts';

const defaultLimit = 50;

type Options = { readonly queue?: string; readonly json?: boolean; readonly limit: string; readonly dryRun?: boolean };

/** Adds `dead-letters ls | redrive` to the command line. */
export function addDeadLetterCommands(program: Command): void {
  const deadLetters = program
    .command('dead-letters')
    .description('events and launches that could not be handled: look at them, and send them again');
  const limit = ['-n, --limit <number>', 'so many of each queue at most', String(defaultLimit)] as const;
  const queue = ['--queue <name>', 'one queue alone: events or launches'] as const;

  deadLetters
    .command('ls')
    .description('what lies in the dead-letter queues; it stays there')
    .option(...queue)
    .option(...limit)
    .option('--json', 'print JSON, a list, instead of a table')
    .addHelpText('after', examples('dead-letters ls', 'dead-letters ls --queue launches --json'))
    .action(async (options: Options) => {
      const letters = (
        await Promise.all((await queuesOf(program, options)).map((one) => one.look(limitOf(options))))
      ).flat();
      if (options.json) console.log(JSON.stringify(letters.map(withoutHandle), null, 2));
      else if (letters.length === 0) console.log('there are no dead letters');
      else printLetters(letters);
    });

  deadLetters
    .command('redrive')
    .description(
      'send dead letters again to where they failed; what was handled meanwhile does nothing the second time',
    )
    .option(...queue)
    .option(...limit)
    .option('--dry-run', 'only say what would be sent')
    .addHelpText('after', examples('dead-letters redrive --dry-run', 'dead-letters redrive --queue events'))
    .action(async (options: Options) => {
      let sent = 0;
      const failures: string[] = [];
      for (const one of await queuesOf(program, options)) {
        for (const letter of await (options.dryRun ? one.look : one.take)(limitOf(options))) {
          const what = printable(`${letter.queue}: ${letter.kind} ${letter.job ?? ''} (${letter.id})`);
          if (options.dryRun) {
            console.log(`would send again: ${what}`);
            continue;
          }
          // One that fails stays where it is, and keeps no other back.
          const failure = await one.redrive(letter).then(
            () => null,
            (error: Error) => error.message,
          );
          if (failure) failures.push(failure);
          else {
            sent += 1;
            console.log(`sent again: ${what}`);
          }
        }
      }
      if (!options.dryRun)
        console.log(sent === 1 ? '1 dead letter was sent again' : `${sent} dead letters were sent again`);
      if (failures.length > 0) throw new UsageError(failures.join('\n'));
    });
}

/** @throws {UsageError} when there is no queue of that name. */
async function queuesOf(program: Command, { queue }: Options): Promise<readonly DeadLetterQueue[]> {
  const { openDeadLetterQueues } = await import('./dead-letters.client.ts');
  const queues = await openDeadLetterQueues(program.opts<DeploymentOptions>());
  const chosen = queues.filter(({ name }) => queue === undefined || name === queue);
  if (chosen.length > 0) return chosen;
  throw new UsageError(
    `--queue ${queue}: there is no such queue; name one of ${queues.map(({ name }) => name).join(', ')}`,
  );
}

/** @throws {UsageError} */
function limitOf({ limit }: Options): number {
  const count = Number(limit);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UsageError(`--limit ${limit}: give a whole number above zero`);
}

function printLetters(letters: readonly DeadLetter[]): void {
  const rows = letters.map(({ queue, kind, job, since, error, id }) => {
    const age = since === null ? '' : ageText(Date.now() - Date.parse(since));
    return [queue, kind, job ?? '', age, error ?? '', id].map(printable);
  });
  printTable(['queue', 'kind', 'job', 'age', 'error', 'id'], rows);
}

/** A receipt is good for this process alone. */
function withoutHandle({ receiptHandle: _, ...letter }: DeadLetter) {
  return letter;
}
