import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCommand, readGlobalFlags } from '../../helper-scripts/local-runner/command-line.ts';
import { runnerLog } from '../../helper-scripts/local-runner/runner-log.process.ts';
import { findRunner, readConfigFile, shortenToken } from '../../helper-scripts/local-runner/runner-settings.ts';
import { runnerSentences as sentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import type { FakeRunnerScript } from './fake-gitlab-runner.ts';

/*
 * Stands in for gitlab-runner where no GitLab is: takes the command line, the configuration and the words of its log
 * from the stand-in of the local run, and does what its script says. The script comes as a file, since there is nothing
 * in the environment that could carry it.
 */

const [scriptFile = '', ...args] = process.argv.slice(2);
const script: FakeRunnerScript = JSON.parse(readFileSync(scriptFile, 'utf8'));
const before = readGlobalFlags(args, process.env);
const log = runnerLog(
  { format: before.logFormat, threshold: before.logLevel },
  (line) => void process.stderr.write(line),
);

function end(code: number): never {
  process.exit(code);
}

function refuse(reason: string): never {
  log.fatal(reason);
  return end(1);
}

function orRefuse<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

if (script.crash === 'at-start') refuse('homedir variable is not set: "HOME"');

const { flags } = orRefuse(() => readCommand(before.rest));
const configFile = flags.config ?? '';
const config = orRefuse(() => readFileSync(configFile, 'utf8'));
const { token, buildsDir } = orRefuse(() => findRunner(readConfigFile(config), flags.runner ?? ''));
if (script.notes) {
  const notes = {
    args,
    environment: process.env,
    config,
    configMode: (statSync(configFile).mode & 0o777).toString(8),
    systemId: readFileSync(join(dirname(configFile), '.runner_system_id'), 'utf8'),
    workingFolder: process.cwd(),
  };
  writeFileSync(script.notes, JSON.stringify(notes));
}

log.info('Runtime platform', { arch: 'amd64', os: 'linux', pid: process.pid, version: '19.3.0' });
log.info(`${sentences.started.says}https://gitlab.example.com with token ${shortenToken(token)} ...`);
// The real one does not log its token; should it ever, in some error, it must not come further than here.
log.warn(`error with ${token}`, { url: `https://gitlab.example.com/?runner-token=${token}` });
const startedAt = Date.now();

let running: { kill: () => void } | null = null;
let terminated = false;
let finished = false;

// The real one listens to these three together.
process.on('SIGINT', () => refuse('Requested exit: interrupt'));
process.on('SIGQUIT', () => {
  if (terminated) refuse('forced exit: quit');
  log.warn('Requested quit, waiting for builds to finish');
  finished = true;
});
process.on('SIGTERM', async () => {
  if (terminated) refuse('forced exit: terminated');
  log.warn('Requested exit: terminated');
  terminated = true;
  if (!running && !script.longPoll) end(0);
  running?.kill();
  await sleep(script.shutdownMilliseconds ?? 30_000);
  refuse('shutdown timed out');
});

type Answer = { readonly sentence: keyof typeof sentences; readonly code: number; readonly status: string };

function answerUpdate(job: number, { sentence, code, status }: Answer): void {
  log.info('Updating job...', { job });
  const level = sentence === 'updateTaken' ? 'info' : 'warn';
  log[level](sentences[sentence].says, { job, code, 'job-status': status });
}

async function runJob(job: number): Promise<void> {
  answerUpdate(job, { sentence: 'updateTaken', code: 200, status: 'running' });
  const shell = spawn('bash', ['-l'], { stdio: ['pipe', 'ignore', 'ignore'], cwd: buildsDir });
  const exited = new Promise<number | null>((resolve) => shell.once('exit', resolve));
  running = { kill: () => shell.kill('SIGTERM') };
  shell.stdin.end(script.jobScript ?? 'true\n');
  const code = await exited;
  running = null;
  if (terminated) reportFailure(job, 'aborted: terminated', { failure_reason: 'runner_interrupted', exit_code: 0 });
  else if (code === 0) reportSuccess(job);
  else reportFailure(job, `exit status ${code}`, { failure_reason: 'script_failure', exit_code: code ?? 1 });
}

function reportSuccess(job: number): void {
  log.info(sentences.jobSucceeded.says, { job, 'job-status': 'success', duration_s: 0.1 });
  answerUpdate(job, { sentence: 'updateTaken', code: 200, status: 'success' });
}

function reportFailure(job: number, error: string, reason: { failure_reason: string; exit_code: number }): void {
  log.warn(`${sentences.jobFailed.says}: ${error}`, { job, 'job-status': 'failed', error, ...reason });
  answerUpdate(job, { sentence: 'updateOfEndedJob', code: 200, status: 'failed' });
  log.error('Failed to process build', { error });
}

/** Ways in which a job turns out to be canceled as it is handed out. */
const withdrawals = {
  'canceled-job': [{ sentence: 'updateOfEndedJob', code: 403, status: 'canceled' }],
  'canceling-job': [
    { sentence: 'updateTaken', code: 200, status: 'canceling' },
    { sentence: 'updateOfEndedJob', code: 200, status: 'canceled' },
  ],
  'unknown-job': [{ sentence: 'updateOfUnknownJob', code: 404, status: '' }],
} as const satisfies Record<string, readonly Answer[]>;

for (const answer of script.answers) {
  await sleep(answer.afterMilliseconds ?? 0);
  if (finished) end(0);
  switch (answer.kind) {
    case 'canceled-job':
    case 'canceling-job':
    case 'unknown-job':
      log.info(sentences.jobReceived.says, { job: answer.jobId, runner: shortenToken(token) });
      for (const update of withdrawals[answer.kind]) answerUpdate(answer.jobId, update);
      break;
    case 'job':
      log.info(sentences.jobReceived.says, { job: answer.jobId, runner: shortenToken(token) });
      await runJob(answer.jobId);
      if (script.hangsAfterJob) await sleep(300_000);
      log.info('This runner has processed its build limit, so now exiting');
      end(0);
      break;
    case 'forbidden':
      log.error(sentences.askingRefused.says, {
        status: 'POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden',
      });
      log.info(sentences.notHealthy.says);
      await sleep(300_000);
      break;
    case 'error':
      log.warn(sentences.askingFailed.says, { status: 'execute JSON request: connection refused' });
      break;
    case 'crash':
      log.fatal('out of memory');
      end(2);
  }
}

// Nothing more comes: asks on until its time to wait is over.
const waitSeconds = Number(flags['wait-timeout']);
await sleep(waitSeconds * 1_000 - (Date.now() - startedAt));
log.info(`This runner has not received a job in ${waitSeconds} seconds, so now exiting`);
end(0);
