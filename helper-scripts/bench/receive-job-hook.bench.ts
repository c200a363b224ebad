import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import Table from 'cli-table3';
import { buildLambdas } from '../build/build.command.ts';

/*
 * What the ingest Lambda costs a webhook: size and loading of its bundle, its first call (secret, signing, connections)
 * and its warm calls, each in fresh processes against a stub of AWS that answers at once. Everything is also given as a
 * multiple of the loading of an empty module in the same run, since milliseconds depend on the machine.
 */

const rounds = 11;
const token = 'not-a-real-secret';

/** What each fresh process does; its standard output takes the handler's log lines. */
const timeBundle = `
const timed = async (work) => { const start = performance.now(); const result = await work(); return [performance.now() - start, result]; };
const [load, { handler }] = await timed(() => import(process.env.BUNDLE));
const event = { headers: { 'x-gitlab-token': '${token}' }, body: process.env.HOOK_BODY, isBase64Encoded: false };
const call = () => handler(event, { awsRequestId: 'bench', getRemainingTimeInMillis: () => 8000 });
const [firstCall, answer] = await timed(call);
if (answer.statusCode !== 202) throw new Error('the handler answered ' + JSON.stringify(answer));
const calls = [];
for (let count = 0; count < 201; count += 1) calls.push((await timed(call))[0]);
const warmCall = calls.sort((one, other) => one - other)[100];
process.stderr.write(JSON.stringify({ load, firstCall, warmCall }));
process.exit(0);
`;

const timings = ['load', 'firstCall', 'warmCall'] as const;
type Timing = Readonly<Record<(typeof timings)[number], number>>;
type Subject = { readonly title: string; readonly bundle: string; readonly environment?: Record<string, string> };

const hookBody = JSON.stringify({
  object_kind: 'build',
  build_id: 1977,
  build_name: 'test',
  build_stage: 'test',
  build_status: 'pending',
  pipeline_id: 2366,
  runner: null,
  project_id: 380,
  project: { id: 380, path_with_namespace: 'group/project' },
  commit: { id: 2366, message: 'a commit message of usual length\n'.repeat(100) },
});

async function startStub() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const readsSecret = request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue';
      const secret = { SecretString: JSON.stringify({ token }) };
      response.end(JSON.stringify(readsSecret ? secret : { FailedEntryCount: 0, Entries: [{ EventId: '1' }] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function timeInFreshProcess({ title, bundle, environment }: Subject, endpoint: string): Promise<Timing> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', timeBundle], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      BUNDLE: bundle,
      HOOK_BODY: hookBody,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'fake-access-key',
      AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
      EVENT_BUS_ARN: 'arn:aws:events:eu-west-1:000000000000:event-bus/bench',
      WEBHOOK_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:bench',
      ...environment,
    },
  });
  const output = Buffer.concat(await child.stderr.toArray()).toString('utf8');
  if (!output.startsWith('{')) throw new Error(`${title} could not be timed: ${output}`);
  return JSON.parse(output) as Timing;
}

/** Round by round, so that a slow moment of the machine slows every subject alike. Returns the medians. */
async function timeAll(subjects: readonly Subject[], endpoint: string): Promise<Timing[]> {
  const samples: Timing[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, subject] of subjects.entries())
      samples[index]?.push(await timeInFreshProcess(subject, endpoint));
  }
  return samples.map((timed) => {
    const median = (key: keyof Timing) =>
      timed.map((sample) => sample[key]).sort((a, b) => a - b)[(rounds - 1) / 2] ?? 0;
    return { load: median('load'), firstCall: median('firstCall'), warmCall: median('warmCall') };
  });
}

async function sizeOf(bundle: string): Promise<string> {
  const source = await readFile(bundle);
  const kibibytes = (bytes: number) => (bytes / 1_024).toFixed(1);
  return `${kibibytes(source.length)} KiB (gzip ${kibibytes(gzipSync(source).length)})`;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const stub = await startStub();
try {
  await buildLambdas(['infrastructure']);
  const empty = join(folder, 'empty.mjs');
  await writeFile(empty, 'export const handler = async () => ({ statusCode: 202 });\n');
  const bundle = resolve(import.meta.dirname, '../../dist/infrastructure/receive-job-hook/index.mjs');
  const subjects: Subject[] = [
    { title: 'empty module', bundle: empty },
    { title: 'receive-job-hook', bundle },
    // On Lambda the secret is read while the module loads, when the function has most CPU.
    { title: 'receive-job-hook on Lambda', bundle, environment: { AWS_LAMBDA_FUNCTION_NAME: 'bench' } },
  ];
  const medians = await timeAll(subjects, `http://127.0.0.1:${(stub.address() as AddressInfo).port}`);
  const unit = medians[0]?.load ?? Number.NaN;
  const table = new Table({
    head: ['', 'bundle', 'module load', 'first call', 'warm call (p50)'],
    style: { head: [], border: [] },
  });
  for (const [index, { title, bundle: file }] of subjects.entries()) {
    const cells = timings.map((key) => medians[index]?.[key] ?? Number.NaN);
    table.push([title, await sizeOf(file), ...cells.map((ms) => `${ms.toFixed(2)} ms (${(ms / unit).toFixed(2)} x)`)]);
  }
  console.log(`Medians of ${rounds} fresh processes of Node ${process.versions.node}; "x": loads of an empty module.`);
  console.log(table.toString());
} finally {
  stub.closeAllConnections();
  stub.close();
  await rm(folder, { recursive: true, force: true });
}
