import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleFolderOf } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import { refusalOf } from '../autoscaler/runner-types/ec2/ticket-table.server.ts';
import { fakeToken, jobPayload } from './executions.ts';
import { bundleFakeRunner, type FakeRunnerScript } from './fake-gitlab-runner.ts';

const run = promisify(execFile);
const entry = join(import.meta.dirname, '../../lambda-shell-runner/run-job.lambda.ts');

/** What a sandbox needs of the machine; null when it has it. */
export function whyNoSandbox(): string | null {
  const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'setpriv', '--version'], { encoding: 'utf8' });
  return status === 0 ? null : `no namespaces here: ${error?.message ?? stderr}`.trim();
}

export const namespaces = [
  ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
  '--mount',
  '--pid',
  '--fork',
  '--mount-proc',
];
const nobody = process.getuid?.() === 0 ? ['--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];

/**
 * Lambda's file system, for bash: read-only, with the function of the folder `$1` in `/var/task`, that folder at
 * `/mnt`, an empty `/tmp` and no shared memory; and its limit of open files. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const mounts = `
set -e
mount --bind "$1" /mnt
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var
mkdir /var/task
mount --bind /mnt/task /var/task
[ ! -d /dev/shm ] || mount -t tmpfs -o ro tmpfs /dev/shm
mount -o remount,bind,ro /
chmod 1777 /tmp
cd /var/task
ulimit -n 1024
`;

/**
 * As Lambda makes it: its file system, processes of its own, a user without rights, and as in our image a Node.js that
 * this user may execute but not read.
 */
const enter = `${mounts}
status=0
for crash_after in $2; do
  setpriv ${nobody.join(' ')} --inh-caps=-all --bounding-set=-all \\
    sh -c 'exec /mnt/bin/node /mnt/bin/lambda-runtime.process.ts /mnt/out/events.json /mnt/out/answers.jsonl "$0"' "$crash_after" || status=$?
done
exit 0
`;

export type SandboxRun = {
  readonly answers: readonly Record<string, unknown>[];
  /** What the function logged, as one text. */
  readonly log: string;
  /** What the jobs wrote to `/mnt/out/seen`, one line each. */
  readonly seen: readonly string[];
  readonly runnersInGitLab: readonly string[];
};

/**
 * Runs one event for each job script in a sandbox, through the built bundle. `processes` says how many function
 * processes follow each other there, and after how many milliseconds each crashes (0: it does not).
 */
export async function runInSandbox(
  jobScript: string,
  { events = 1, processes = [0] }: { readonly events?: number; readonly processes?: readonly number[] } = {},
): Promise<SandboxRun> {
  const folder = mkdtempSync(join(tmpdir(), 'lambda-sandbox-'));
  const tickets = Array.from({ length: events * processes.length }, () => fakeToken);
  const runners = new Set([fakeToken]);
  const servers = [await serveTickets(tickets), await serveGitLab(runners)];
  const [aws, gitlab] = servers.map(({ address }) => address);
  try {
    await furnish(folder, { answers: [{ kind: 'job', jobId: 10, afterMilliseconds: 50 }], jobScript });
    const payloads = Array.from({ length: events }, () => jobPayload({ gitlabUrl: gitlab ?? '' }));
    writeFileSync(join(folder, 'out', 'events.json'), JSON.stringify(payloads));
    const { stdout } = await run(
      'unshare',
      [...namespaces, 'bash', '-c', enter, 'enter', folder, processes.join(' ')],
      {
        env: {
          PATH: `/mnt/bin:${process.env.PATH}`,
          AWS_ENDPOINT_URL: aws,
          AWS_REGION: region,
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_SESSION_TOKEN: credentials.sessionToken,
          AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
        },
      },
    );
    return {
      answers: linesOf(join(folder, 'out', 'answers.jsonl')).map((line) => JSON.parse(line)),
      log: stdout,
      seen: linesOf(join(folder, 'out', 'seen')),
      runnersInGitLab: [...runners],
    };
  } finally {
    for (const { server } of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function furnish(folder: string, script: FakeRunnerScript): Promise<void> {
  for (const name of ['bin', 'task', 'out']) mkdirSync(join(folder, name));
  copyFileSync(process.execPath, join(folder, 'bin', 'node'));
  copyFileSync(join(bundleFolderOf(entry), 'index.mjs'), join(folder, 'task', 'index.mjs'));
  copyFileSync(
    join(import.meta.dirname, 'lambda-runtime.process.ts'),
    join(folder, 'bin', 'lambda-runtime.process.ts'),
  );
  await bundleFakeRunner(join(folder, 'bin', 'fake-gitlab-runner.mjs'));
  writeFileSync(join(folder, 'bin', 'script.json'), JSON.stringify(script));
  writeFileSync(
    join(folder, 'bin', 'gitlab-runner'),
    '#!/bin/sh\nexec /mnt/bin/node /mnt/bin/fake-gitlab-runner.mjs /mnt/bin/script.json "$@"\n',
    { mode: 0o755 },
  );
  for (const name of ['.', 'out']) chmodSync(join(folder, name), 0o777);
  chmodSync(join(folder, 'bin', 'node'), 0o111);
}

type Stub = { readonly server: Server; readonly address: string };

type Answer = { readonly status: number; readonly body: string };

async function serve(answer: (body: string, request: IncomingMessage) => Answer): Promise<Stub> {
  const server = createServer(async (request, response) => {
    const { status, body } = answer(Buffer.concat(await request.toArray()).toString('utf8'), request);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', connection: 'close' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const region = 'eu-west-1';
const credentials = {
  accessKeyId: 'fake-access-key',
  secretAccessKey: 'not-a-real-secret',
  sessionToken: 'not-a-real-session',
};

/** DynamoDB, as far as one ticket after the other is deleted from it by who signs for it. */
function serveTickets(tokens: string[]): Promise<Stub> {
  return serve((body, request) => {
    const refusal = refusalOf(request, body, credentials, region);
    if (refusal)
      return { status: 400, body: JSON.stringify({ __type: 'InvalidSignatureException', message: refusal }) };
    const token = tokens.shift();
    const { id } = (JSON.parse(body) as { Key: { id: { S: string } } }).Key;
    const ticket: RunnerTicket = { id: id.S, token: token ?? '', job: 'job#123#10', expiresAt: Date.now() + 600 };
    const { expiresAt, ...texts } = ticket;
    const strings = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, { S: text }]));
    const attributes = { ...strings, expiresAt: { N: String(expiresAt) } };
    return { status: 200, body: JSON.stringify(token ? { Attributes: attributes } : {}) };
  });
}

/** GitLab, as far as runners remove themselves from it. */
function serveGitLab(runners: Set<string>): Promise<Stub> {
  return serve((body, { method, url, headers }) => {
    if (`${method} ${url}` !== 'DELETE /api/v4/runners') return { status: 404, body: '' };
    const isJson = headers['content-type']?.startsWith('application/json');
    const removed = isJson && runners.delete((JSON.parse(body) as { token: string }).token);
    return { status: removed ? 204 : 403, body: '' };
  });
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
