import type { Command } from 'commander';
import type { DeploymentOptions } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { parseJobArgument } from './job-argument.ts';
import { judgeRetry } from './retry-verdict.ts';
import { printable } from './table.ts';
import { UsageError } from './usage-error.ts';

/** Adds `retry` to the command line. */
export function addRetryCommand(program: Command): void {
  program
    .command('retry <job>')
    .description('give a job that was given up its attempts back and ask for its runner; look at one that waits now')
    .addHelpText('after', examples('retry 1977', 'retry group/app/1977'))
    .action(async (jobText: string) => {
      const job = parseJobArgument(jobText);
      const options = program.opts<DeploymentOptions>();
      const { openRunnerItems } = await import('./runner-items.client.ts');
      const items = await openRunnerItems(options);
      const own = (await items.readOfJob(job)).filter(({ event }) => event.jobId === job.jobId);
      const [item, ...others] = own;
      if (!item) {
        throw new UsageError(
          `Nothing is known of the job ${jobText}: no mapping sent it to a runner of ours, or that is more than two weeks ago`,
        );
      }
      const name = `${item.event.projectId}/${item.event.jobId}`;
      if (others.length > 0) {
        const names = own.map(({ event }) => `${event.projectId}/${event.jobId}`).join(', ');
        throw new UsageError(`"${jobText}" names several jobs: name one of ${names}`);
      }
      const verdict = judgeRetry(item);
      if (verdict.kind === 'refuse') throw new UsageError(`Job ${name} is not retried: ${verdict.why}`);
      if (verdict.attempts && !(await items.giveAttemptsBack(item))) {
        throw new UsageError(`Job ${name} went on at this moment: look at it with "status ${name}"`);
      }
      const { openJobEvents } = await import('./job-events.client.ts');
      await (await openJobEvents(options)).askForRunner(item.event);
      console.log(`job ${name} (${printable(item.event.jobName)}) ${verdict.says}: "status ${name}" shows how it goes`);
    });
}
