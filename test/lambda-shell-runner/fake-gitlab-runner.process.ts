import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeRunnerScript } from './fake-gitlab-runner.ts';

/*
 * Stands in for gitlab-runner where no GitLab is: does what its script says and logs it in the words of the real one (19.3), as JSON
 * lines on standard error. The script comes as a file, since there is nothing in the environment that could carry it.
 */

const [scriptFile = '', ...args] = process.argv.slice(2);
const script: FakeRunnerScript = JSON.parse(readFileSync(scriptFile, 'utf8'));
const argumentAfter = (flag: string) => args[args.indexOf(flag) + 1] ?? '';
const configFile = argumentAfter('-c');

function log(level: string, msg: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level, msg, time: new Date().toISOString(), ...fields })}\n`);
}

function end(code: number): never {
  process.exit(code);
}

if (script.crash === 'at-start') {
  log('fatal', 'homedir variable is not set: "HOME"');
  end(1);
}

const config = readFileSync(configFile, 'utf8');
const token = /token = "(.*)"/.exec(config)?.[1] ?? '';
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

log('info', 'Runtime platform', { arch: 'amd64', os: 'linux', pid: process.pid, version: '19.3.0' });
log('info', `Starting runner for https://gitlab.example.com with token ${token.slice(5, 14)} ...`);
// The real one does not log its token; should it ever, in some error, it must not come further than here.
log('warning', `error with ${token}`, { headers: { 'runner-token': token } });
const startedAt = Date.now();

let running: { kill: () => void } | null = null;
let terminated = false;

process.on('SIGTERM', async () => {
  log('warning', 'Requested exit: terminated');
  terminated = true;
  if (!running && !script.longPoll) end(0);
  running?.kill();
  await sleep(script.shutdownMilliseconds ?? 30_000);
  log('fatal', 'shutdown timed out');
  end(1);
});

function answerUpdate(job: number, level: string, text: string, status: string, fields: object = {}): void {
  log('info', 'Updating job...', { job });
  log(level, `Submitting job to coordinator...${text}`, { job, 'job-status': status, ...fields });
}

async function runJob(job: number): Promise<void> {
  answerUpdate(job, 'info', 'ok', 'running', { bytesize: 0, code: 200 });
  const shell = spawn('bash', ['-l'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: /builds_dir = "(.*)"/.exec(config)?.[1],
  });
  const exited = new Promise<number | null>((resolve) => shell.once('exit', resolve));
  running = { kill: () => shell.kill('SIGTERM') };
  shell.stdin.end(script.jobScript ?? 'true\n');
  const code = await exited;
  running = null;
  reportEnd(job, code);
}

function reportEnd(job: number, code: number | null): void {
  if (terminated) {
    const reason = { failure_reason: 'runner_interrupted', exit_code: 0 };
    log('warning', 'Job failed: aborted: terminated', { job, 'job-status': 'failed', ...reason });
    answerUpdate(job, 'warning', ' job failed', 'failed', { code: 200 });
    log('error', 'Failed to process build', { error: 'aborted: terminated' });
  } else if (code === 0) {
    log('info', 'Job succeeded', { job, 'job-status': 'success', duration_s: 0.1 });
    answerUpdate(job, 'info', 'ok', 'success', { code: 200 });
  } else {
    const reason = { failure_reason: 'script_failure', exit_code: code, error: `exit status ${code}` };
    log('warning', `Job failed: exit status ${code}`, { job, 'job-status': 'failed', ...reason });
    answerUpdate(job, 'warning', ' job failed', 'failed', { code: 200 });
    log('error', 'Failed to process build', { error: `exit status ${code}` });
  }
}

function withdraw(job: number): void {
  log('info', 'Updating job...', { job, bytesize: 0 });
  log('warning', 'Submitting job to coordinator... job failed', { job, code: 403, 'job-status': 'canceled' });
}

for (const answer of script.answers) {
  await sleep(answer.afterMilliseconds ?? 0);
  switch (answer.kind) {
    case 'job':
    case 'canceled-job':
      log('info', 'Checking for jobs... received', { job: answer.jobId, runner: token.slice(5, 14) });
      if (answer.kind === 'canceled-job') {
        withdraw(answer.jobId);
        break;
      }
      await runJob(answer.jobId);
      if (script.hangsAfterJob) await sleep(300_000);
      log('info', 'This runner has processed its build limit, so now exiting');
      end(0);
      break;
    case 'forbidden':
      log('error', 'Checking for jobs... forbidden', {
        status: 'POST https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden',
      });
      log('info', 'Runner is not healthy!');
      await sleep(300_000);
      break;
    case 'error':
      log('warning', 'Checking for jobs... failed', { status: 'execute JSON request: connection refused' });
      break;
    case 'crash':
      log('fatal', 'out of memory');
      end(2);
  }
}

// Nothing more comes: asks on until its time to wait is over.
await sleep(Number(argumentAfter('--wait-timeout')) * 1_000 - (Date.now() - startedAt));
log('info', `This runner has not received a job in ${argumentAfter('--wait-timeout')} seconds, so now exiting`);
end(0);
