import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { Listr, PRESET_TIMER } from 'listr2';
import { type DemonstrationOutcome, runDemonstration } from './demonstration.process.ts';
import { widenPipeline } from './example-pipeline.ts';
import { isNothing, type Leftovers } from './leftovers.client.ts';
import { LocalRun, readExamplePipeline } from './local-run.process.ts';

const repository = resolve(import.meta.dirname, '../..');

type Options = { jobs?: number; keep?: boolean; logs?: string | true };

const program = new Command('npm start --')
  .description(
    'runs the whole project on this machine: local AWS, the four apps deployed by the CDK, a local GitLab and a pipeline',
  )
  .option('--jobs <number>', 'a wider pipeline, of this many jobs', (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1 || number > 500)
      throw new InvalidArgumentError('give a whole number from 1 to 500');
    return number;
  })
  .option('--keep', 'stay up after the pipeline, and say how to poke at it')
  .option('--logs [job]', 'print the log of this job after the pipeline, or of every job')
  .addHelpText('after', '\nPorts: LOCAL_AWS_PORT (4566) and LOCAL_GITLAB_PORT (8929).')
  .parse(process.argv);
const options = program.opts<Options>();

const interrupted = new AbortController();
const run = new LocalRun({
  folder: join(repository, '.local/run'),
  awsPort: Number(process.env.LOCAL_AWS_PORT ?? 4566),
  gitlabPort: Number(process.env.LOCAL_GITLAB_PORT ?? 8929),
  bootDelayMilliseconds: 1_500,
  signal: interrupted.signal,
});

let stopping: Promise<void> | undefined;
const stopOnce = () => {
  stopping ??= run.stop();
  return stopping;
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted.abort();
    console.error('\nEnding everything that was started ...');
    void stopOnce().finally(() => process.exit(130));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupted.signal.aborted) console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stopOnce();
}

async function main(): Promise<number> {
  const startedAt = Date.now();
  await new Listr(
    run.steps.map(({ title, run: work }) => ({
      title,
      task: async (_context: unknown, task: { title: string; output: string }) => {
        const note = await work(run, (line) => {
          // Without a terminal each line would stay, hundreds of them.
          if (process.stdout.isTTY) task.output = line;
        });
        if (note) task.title = `${title}: ${note}`;
      },
    })),
    { rendererOptions: { timer: PRESET_TIMER, collapseErrors: false } },
  ).run();
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  console.log(`\nReady after ${seconds} s. The pipeline of helper-scripts/local-run/examples/.gitlab-ci.yml:\n`);

  const yamlText = await readExamplePipeline();
  const outcome = await runDemonstration(run, options.jobs ? widenPipeline(yamlText, options.jobs) : yamlText);
  printLogs(outcome);
  const good = printOutcome(outcome);
  if (options.keep) await keep();
  return good ? 0 : 1;
}

function printLogs({ jobs }: DemonstrationOutcome): void {
  if (!options.logs) return;
  for (const job of jobs) {
    if (options.logs !== true && options.logs !== job.name) continue;
    // GitLab keeps the time and the stream in front of each line.
    const lines = run.gitlab.jobTrace(job.id).replace(/^\S+Z \d\d[OE][ +]?/gm, '');
    console.log(`\n--- log of ${job.name}\n${lines}`);
  }
}

function printOutcome({ jobs, faults, misplaced, leftovers }: DemonstrationOutcome): boolean {
  for (const fault of [...faults, ...misplaced]) console.error(`not as expected: ${fault}`);
  const ran = jobs.filter(({ startedAt }) => startedAt !== null).length;
  const asMapped = `${ran - misplaced.length} of ${ran} jobs ran where their mapping sends them`;
  console.log(`\nLeft over: ${describeLeftovers(leftovers)}; ${asMapped}`);
  return faults.length === 0 && misplaced.length === 0 && isNothing(leftovers);
}

function describeLeftovers({ instances, gitlabRunners, tickets, liveItems, placesTaken }: Leftovers): string {
  return `${instances} instances, ${gitlabRunners} GitLab runners, ${tickets} tickets, ${liveItems} live items, ${placesTaken} places under caps`;
}

async function keep(): Promise<void> {
  const variables = { ...run.aws.environment, GITLAB_RUNNERS_DEPLOYMENT: run.deployment };
  const exports = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  console.log(`
Everything stays up until Ctrl-C.
  AWS endpoint   ${run.aws.endpoint}
  GitLab         ${run.gitlab.url}
  Webhook        ${run.webhookUrl}
  Logs           .local/run/

A request that is not authentic:
  curl -i -X POST '${run.webhookUrl}' -d '{}'

For the command line, in another terminal:
  export ${exports.join(' ')}
  npm run -s cli -- mapping ls
With the hook's URL of this machine (the one that was deployed would be a name at AWS):
  GITLAB_TOKEN=${run.gitlab.adminToken} npm run -s cli -- webhook add examples/pipeline \\
    --gitlab ${run.gitlab.url} --url '${run.webhookUrl}'
`);
  while (!interrupted.signal.aborted) await sleep(1_000);
}
