import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import { buildLambdas } from '../build/build.command.ts';
import { findGitLabRunner, writeRunnerFolder } from '../local-runner/find-gitlab-runner.process.ts';
import { runtimeClientSource, startRuntimeApi } from './lambda-runtime.server.ts';

/*
 * How long a job waits for a Lambda runner on this machine: from the start of the function's process (cold), or from
 * the invocation (warm), to gitlab-runner's first request for a job, in parts, and against what gitlab-runner alone
 * takes for that. AWS and GitLab are stubs that answer at once; Lambda's own part of a cold start (placing the
 * function, loading its image) is not in it.
 */

const rounds = 11;
const token = 'glrt-fake-token-of-the-bench';
const parts = ['process and module', 'folder and ticket', 'runner to first request'] as const;

/** Notes when the stub was asked for what. */
async function startStub() {
  let onAsked: (what: 'ticket' | 'job') => void = () => {};
  const item = {
    id: { S: 'ticket' },
    token: { S: token },
    job: { S: 'job#1#1' },
    expiresAt: { N: String(Math.floor(Date.now() / 1_000) + 3_600) },
  };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.headers['x-amz-target']) {
        onAsked('ticket');
        response.end(JSON.stringify({ Attributes: item }));
        return;
      }
      const asksForJob = request.url?.endsWith('/jobs/request') === true;
      if (asksForJob) onAsked('job');
      // 403 ends the execution at once: what comes after the first request is not of interest here.
      response.writeHead(asksForJob ? 403 : 204).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: (what: 'ticket' | 'job') =>
      new Promise<number>((found) => {
        const before = onAsked;
        onAsked = (seen) => {
          before(seen);
          if (seen === what) found(performance.now());
        };
      }),
    forget: () => {
      onAsked = () => {};
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'bench-lambda-'));
const stub = await startStub();
const children: ChildProcess[] = [];
const runner = await findGitLabRunner(process.env);
const binary = await writeRunnerFolder(join(folder, 'bin'), runner);
await buildLambdas(['lambda-shell-runner']);
const bundle = resolve(import.meta.dirname, '../../dist/lambda-shell-runner/run-job/index.mjs');

const event = {
  kind: 'run-job',
  ticketId: 'ticket',
  ticketsTable: 'tickets',
  gitlabUrl: stub.url,
  runnerName: 'bench',
  runnerId: 1,
  job: { projectId: 1, jobId: 1, jobName: 'bench', projectPath: 'group/bench' },
  attempt: 1,
  timeoutSeconds: 600,
};

function startFunction(api: string): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', runtimeClientSource], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      GITLAB_RUNNER_PATH: binary,
      BUNDLE: bundle,
      AWS_LAMBDA_RUNTIME_API: api,
      AWS_ENDPOINT_URL: stub.url,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'fake-access-key',
      AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
    },
  });
  children.push(child);
  return child;
}

/** Milliseconds of each part, of one cold start and of the warm one that follows in the same process. */
async function timeFunction(): Promise<{ readonly cold: readonly number[]; readonly warm: readonly number[] }> {
  const api = await startRuntimeApi();
  const invoke = async (startedAt: number) => {
    const ticket = stub.asked('ticket');
    const job = stub.asked('job');
    const invokedAt = performance.now();
    const end = api.invoke(event);
    const [ticketAt, jobAt] = await Promise.all([ticket, job]);
    stub.forget();
    const { kind } = await end;
    if (kind !== 'response') throw new Error(`the function ended with ${kind}`);
    return [invokedAt - startedAt, ticketAt - invokedAt, jobAt - ticketAt];
  };
  const startedAt = performance.now();
  const child = startFunction(api.address);
  await api.ready();
  const cold = await invoke(startedAt);
  const warm = await invoke(performance.now());
  child.kill('SIGKILL');
  api.stop();
  return { cold, warm };
}

/** Milliseconds from the start of gitlab-runner alone to its first request. */
async function timeRunnerAlone(round: number): Promise<number> {
  const home = join(folder, `home-${round}`);
  mkdirSync(home);
  const config = join(home, 'config.toml');
  writeFileSync(
    config,
    `[[runners]]\nname = "bench"\nurl = "${stub.url}"\ntoken = "${token}"\nexecutor = "shell"\nbuilds_dir = "${home}"\n`,
  );
  const asked = stub.asked('job');
  const startedAt = performance.now();
  const child = spawn(binary, ['run-single', '-c', config, '-r', 'bench', '--max-builds', '1'], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, HOME: home },
  });
  children.push(child);
  const milliseconds = (await asked) - startedAt;
  stub.forget();
  child.kill('SIGKILL');
  return milliseconds;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[(values.length - 1) / 2] ?? Number.NaN;

try {
  const cold: (readonly number[])[] = [];
  const warm: (readonly number[])[] = [];
  const alone: number[] = [];
  // Round by round, so that a slow moment of the machine slows everything alike.
  for (let round = 0; round < rounds; round += 1) {
    const timed = await timeFunction();
    cold.push(timed.cold);
    warm.push(timed.warm);
    alone.push(await timeRunnerAlone(round));
  }
  const floor = median(alone);
  const total = (sample: readonly number[]) => sample.reduce((sum, part) => sum + part, 0);
  const cell = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(3)} s`;
  const row = (name: string, samples: readonly (readonly number[])[]) => [
    name,
    ...parts.map((_, part) => cell(median(samples.map((sample) => sample[part] ?? Number.NaN)))),
    `${cell(median(samples.map(total)))} (${(median(samples.map(total)) / floor).toFixed(2)} x)`,
  ];
  const table = new Table({ head: ['', ...parts, 'to the first jobs/request'], style: { head: [], border: [] } });
  table.push(row('cold', cold), row('warm', warm), [
    'gitlab-runner alone',
    '',
    '',
    cell(floor),
    `${cell(floor)} (1 x)`,
  ]);
  const program = runner.kind === 'real' ? 'the real gitlab-runner' : 'our stand-in for gitlab-runner';
  console.log(`Medians of ${rounds} rounds on Node ${process.versions.node}, with ${program} (${runner.version}).`);
  console.log(table.toString());
} finally {
  for (const child of children) child.kill('SIGKILL');
  stub.stop();
  rmSync(folder, { recursive: true, force: true });
}
