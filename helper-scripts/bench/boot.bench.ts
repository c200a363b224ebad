import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import Table from 'cli-table3';
import { Hono } from 'hono';
import { type BootSettings, renderBootScript } from '../../autoscaler/runner-types/ec2/boot-script.ts';
import { readBootSource } from '../../autoscaler/runner-types/ec2/boot-source.construct.ts';
import { startDockerStandIn } from '../local-instances/docker-stand-in.server.ts';
import { createInstanceMetadataApp } from '../local-instances/instance-metadata.server.ts';
import { findGitLabRunner, writeRunnerFolder } from '../local-runner/find-gitlab-runner.process.ts';
import { sampleBootSettings } from './sample-boot-settings.ts';

/*
 * What a host does between the start of its user data and gitlab-runner's first request for a job: the real script as a
 * process, with the metadata service, AWS and GitLab on the loopback, where a round trip costs almost nothing. So
 * seconds are what the script itself costs, and each round trip costs what it costs on a network beside. Medians, since
 * other programs run on the machine too.
 */

const rounds = 15;
const instanceId = 'i-0123456789abcdef0';
const registrySecretArn = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:registries-AbCdEf';
const token = 'glrt-fake-bench';

type Seen = { readonly what: string; readonly at: number };
type Subject = { readonly title: string; readonly settings: Partial<BootSettings> };

const subjects: readonly Subject[] = [
  { title: 'docker', settings: {} },
  {
    title: 'docker, with a secret for its registries',
    settings: { dockerConfig: '{"credHelpers":{}}', registrySecretArn },
  },
];

/** Metadata service, AWS and GitLab in one; tells what came, when. */
async function startServices(notice: (seen: Seen) => void) {
  const metadata = createInstanceMetadataApp(
    {
      instanceId,
      accountId: '000000000000',
      region: 'eu-west-1',
      availabilityZone: 'eu-west-1a',
      imageId: 'ami-1',
      instanceType: 'm7a.large',
      architecture: 'x86_64',
      privateIp: '10.0.0.1',
      launchedAt: new Date(),
      userData: '',
      roleName: 'runner-role',
    },
    async () => ({
      accessKeyId: 'ASIAFAKE',
      secretAccessKey: 'not-a-real-secret',
      sessionToken: 'not-a-real-session',
      expiration: new Date(Date.now() + 3_600_000),
    }),
  );
  const app = new Hono();
  app.use(async ({ req }, next) => {
    notice({ what: req.header('x-amz-target') ?? req.path, at: performance.now() });
    await next();
  });
  app.post('/', ({ req, json }) => {
    if (req.header('x-amz-target') !== 'DynamoDB_20120810.DeleteItem') {
      return json({ SecretString: JSON.stringify({ auths: {} }) });
    }
    return json({ Attributes: { id: { S: instanceId }, token: { S: token }, job: { S: 'job#1#10' } } });
  });
  app.post('/api/v4/jobs/request', ({ body }) => body(null, 204));
  app.route('/', metadata);
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const firstRequest = '/api/v4/jobs/request';
const metadataPath = '/latest/meta-data';
/** Each part, and the last thing that happens in it. */
const parts: readonly (readonly [title: string, end: string, roundTrips: string])[] = [
  ['bash, unpacking, guard, folder in memory, look at the disk, start of curl', '/latest/api/token', ''],
  ['session of the metadata service', `${metadataPath}/instance-id`, '1'],
  ['instance id and role', `${metadataPath}/iam/security-credentials/runner-role`, '1 (two requests, one connection)'],
  ["the role's credentials", 'DynamoDB_20120810.DeleteItem', '1'],
  ["ticket, and the runner's config", 'runner', '1 (DynamoDB)'],
  ['start of gitlab-runner', firstRequest, '1 (GitLab: the request itself)'],
];

async function bootOnce({ settings }: Subject, folder: string, programs: string): Promise<readonly number[]> {
  const docker = await startDockerStandIn();
  const seen: Seen[] = [];
  const { promise: asked, resolve: heard } = Promise.withResolvers<void>();
  const services = await startServices((event) => {
    seen.push(event);
    if (event.what === firstRequest) heard();
  });
  const script = join(folder, 'user-data');
  const userData = renderBootScript(readBootSource(), {
    ...sampleBootSettings,
    region: 'eu-west-1',
    gitlabUrl: services.url,
    ...settings,
  });
  await writeFile(script, userData, { mode: 0o700 });
  const startedMark = join(folder, 'runner-started');
  await rm(startedMark, { force: true });
  const begun = performance.now();
  const host = spawn(script, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: `${programs}:${process.env.PATH ?? ''}`,
      HOME: folder,
      TMPDIR: folder,
      HOST_ROOT: folder,
      AWS_ENDPOINT_URL: services.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: services.url,
      DOCKER_HOST: docker.host,
    },
  });
  try {
    const late = AbortSignal.timeout(60_000);
    await Promise.race([asked, once(host, 'exit', { signal: late }).then(() => Promise.reject(new Error('it ended')))]);
    const runnerAt = Number(readFileSync(startedMark, 'utf8')) * 1_000 - performance.timeOrigin;
    const times = new Map([...seen, { what: 'runner', at: runnerAt }].reverse().map(({ what, at }) => [what, at]));
    let before = begun;
    return parts.map(([title, end]) => {
      const at = times.get(end);
      if (at === undefined) throw new Error(`"${title}" did not end: nothing asked for ${end}`);
      const spent = at - before;
      before = at;
      return spent;
    });
  } finally {
    await powerOff(host);
    await docker.close();
    services.server.close();
    if ('closeAllConnections' in services.server) services.server.closeAllConnections();
  }
}

async function powerOff({ pid = 0, exitCode, signalCode }: ChildProcess) {
  if (exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  await sleep(50);
  const left = existsSync('/dev/shm')
    ? readdirSync('/dev/shm').filter((name) => name.startsWith(`runner-host-${pid}-`))
    : [];
  for (const name of left) await rm(join('/dev/shm', name), { recursive: true, force: true });
}

/**
 * Programs that come first on the host's PATH: a `shutdown` that does nothing, and gitlab-runner behind a note of the
 * time.
 */
async function writePrograms(folder: string) {
  const runner = await findGitLabRunner(process.env);
  const real = await writeRunnerFolder(join(folder, 'runner'), runner);
  const programs = join(folder, 'programs');
  await mkdir(programs);
  const note = `printf %s "$EPOCHREALTIME" >'${join(folder, 'runner-started')}'`;
  await writeFile(join(programs, 'gitlab-runner'), `#!/bin/bash\n${note}\nexec '${real}' "$@"\n`);
  await writeFile(join(programs, 'shutdown'), '#!/bin/sh\n');
  for (const name of readdirSync(programs)) await chmod(join(programs, name), 0o755);
  return { programs, runner };
}

const median = (samples: readonly number[]) =>
  [...samples].sort((one, other) => one - other)[(samples.length - 1) / 2] ?? Number.NaN;

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
try {
  const { programs, runner } = await writePrograms(folder);
  const samples: (readonly number[])[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, subject] of subjects.entries()) samples[index]?.push(await bootOnce(subject, folder, programs));
  }
  const table = new Table({
    head: ['from the start of the user data', ...subjects.map(({ title }) => title), 'round trips'],
    style: { head: [], border: [] },
  });
  const cell = (of: (run: readonly number[]) => number) =>
    samples.map((runs) => `${(median(runs.map(of)) / 1_000).toFixed(3)} s`);
  for (const [index, [title, , roundTrips]] of parts.entries()) {
    table.push([title, ...cell((run) => run[index] ?? Number.NaN), roundTrips]);
  }
  table.push([
    'all',
    ...cell((run) => run.reduce((sum, spent) => sum + spent, 0)),
    '3 to the host itself, 1 to AWS, 1 to GitLab',
  ]);
  const which = runner.kind === 'real' ? `gitlab-runner ${runner.version}` : 'the stand-in for gitlab-runner';
  console.log(
    `Medians of ${rounds} boots with ${which}; everything on the loopback. A secret is read beside the ticket.`,
  );
  console.log(table.toString());
} finally {
  await rm(folder, { recursive: true, force: true });
}
