import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BootSettings, renderBootScript } from '../../../../autoscaler/runner-types/ec2/boot-script.ts';
import { readBootSource } from '../../../../autoscaler/runner-types/ec2/boot-source.construct.ts';
import { sampleBootSettings } from '../../../../helper-scripts/bench/sample-boot-settings.ts';
import { startDockerStandIn } from '../../../../helper-scripts/local-instances/docker-stand-in.server.ts';
import { startInstanceMetadata } from '../../../../helper-scripts/local-instances/instance-metadata.server.ts';
import { startTicketTable, type TicketItem, textOf } from './ticket-table.server.ts';

export const instanceId = 'i-0123456789abcdef0';
/** What IAM calls the host: the key of its ticket. */
export const hostName = `${sampleBootSettings.roleId}:${instanceId}`;
export const token = 'glrt-fake-not-a-real-secret_1.aB';
export const roleSecret = 'not-a-real-secret/key+1';
const session = 'not-a-real-session==';
const region = 'eu-west-1';

export const ticket = (fields: TicketItem = {}): TicketItem => ({
  expiresAt: { N: '1790000000' },
  id: { S: hostName },
  job: { S: 'job#1#10' },
  token: { S: token },
  ...fields,
});

export type RunnerHostOptions = {
  readonly settings?: Partial<BootSettings>;
  /**
   * What the stub of gitlab-runner does after it has read its config (bash); `tell MSG [FIELDS]` writes a line of its
   * log.
   */
  readonly runner?: string;
  /** Milliseconds after the boot; null for never. */
  readonly ticketAfter?: number | null;
  readonly ticket?: TicketItem;
  /** Commands that do something else than usual (bash). */
  readonly commands?: Readonly<Record<string, string>>;
  readonly roleName?: string | undefined;
  /** By ARN. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Of a GitLab that is there already, and whose runner has the ticket's token. */
  readonly gitlabUrl?: string;
  /** Another gitlab-runner than the stub: an executable. */
  readonly runnerProgram?: string;
  /** Instead of the pipe that the log is read from: a file such as /dev/full. */
  readonly logTo?: string;
  /** Changes the user data. */
  readonly alter?: (userData: string) => string;
  /** KiB that a process may write to one file: stands for a full disk. */
  readonly fileLimitKiB?: number;
  /** The address of the host's docker (`DOCKER_HOST`); one that answers when absent. */
  readonly dockerHost?: string;
  /** The host's docker is its own, as on EC2, and not that of somebody's machine. */
  readonly ownsDocker?: boolean;
  /** The secret key that the metadata service tells; another one than the table's makes bad signatures. */
  readonly secretAccessKey?: string;
};

export type RunnerHost = Awaited<ReturnType<typeof bootRunnerHost>>;

const runsOneJob = `
tell 'Checking for jobs... received' ',"job":10'
tell 'Job succeeded' ',"job":10,"job-status":"success"'
`;

/**
 * Boots the real script on a host whose metadata service, ticket table, GitLab and gitlab-runner are small stand-ins.
 */
export async function bootRunnerHost(options: RunnerHostOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'runner-host-'));
  const records = join(folder, 'records');
  const bin = join(folder, 'bin');
  const home = join(folder, 'home');
  const temporary = join(folder, 'tmp');
  for (const path of [records, bin, home, temporary]) mkdirSync(path);
  const credentials = { accessKeyId: 'ASIAFAKE', secretAccessKey: roleSecret, sessionToken: session };
  const table = await startTicketTable(credentials, region);
  const gitlab = await startGitLab(wordOf(options.ticket ?? ticket()));
  const docker = await startDockerStandIn();
  const metadata = await startInstanceMetadata(identity(options), async () => ({
    ...credentials,
    secretAccessKey: options.secretAccessKey ?? roleSecret,
    expiration: new Date(Date.now() + 3_600_000),
  }));
  writeCommands(bin, records, options);
  for (const [arn, value] of Object.entries(options.secrets ?? {})) table.putSecret(arn, value);
  const script = userData(options.settings ?? {}, options.gitlabUrl ?? gitlab.url);
  writeFileSync(join(folder, 'user-data'), options.alter?.(script) ?? script, { mode: 0o700 });
  const { ticketAfter = 0 } = options;
  const putTicket = () => table.put(hostName, options.ticket ?? ticket());
  if (ticketAfter === 0) putTicket();
  else if (ticketAfter !== null) setTimeout(putTicket, ticketAfter).unref();

  const dockerHost = options.dockerHost ?? docker.host;
  const start = () =>
    boot(folder, { home, bin, temporary, metadata: metadata.url, aws: table.url, dockerHost }, options);
  const first = start();
  const read = (name: string) => (existsSync(join(records, name)) ? readFileSync(join(records, name), 'utf8') : '');
  const memoryFolders = () =>
    readdirSync('/dev/shm').filter((name) => memoryFolderOf(read('argv')) === `/dev/shm/${name}`);
  return {
    pid: first.pid,
    table,
    /** Tokens with which the runner was removed from GitLab. */
    unregistered: gitlab.deleted,
    /** Hosts that were removed from a runner, which stayed. */
    removedManagers: gitlab.deletedManagers,
    ended: first.ended,
    bootAgain: () => start().ended,
    interrupt: () => metadata.interrupt(new Date(Date.now() + 120_000)),
    /** What the host's commands and gitlab-runner were started with, and what the latter found. */
    read,
    home,
    /** What the host's disk has at a path. */
    diskFile: (path: string) => readFileSync(join(folder, 'root', path), 'utf8'),
    memoryFolders,
    /** Files of the host, in memory or on its disk, with a text in them. */
    filesWith: (text: string) =>
      [home, temporary, join(folder, 'root'), ...memoryFolders().map((name) => join('/dev/shm', name))]
        .filter((place) => existsSync(place))
        .flatMap((place) => readdirSync(place, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => readFileSync(path, 'utf8').includes(text)),
    /** Waits until the runner's stub has written a line to its record. */
    async runnerSays(text: string) {
      while (!read('said').includes(text)) await sleep(20);
    },
    /** Waits until the host has told a line of its log, which it does as it acts on it. */
    async hostSays(text: string) {
      while (!first.log().includes(text)) await sleep(20);
    },
    async close() {
      first.kill();
      await Promise.all([table.close(), gitlab.close(), metadata.close(), docker.close()]);
      for (const name of memoryFolders()) rmSync(join('/dev/shm', name), { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function identity(options: RunnerHostOptions) {
  return {
    instanceId,
    accountId: '000000000000',
    region,
    availabilityZone: `${region}a`,
    imageId: 'ami-1',
    instanceType: 'm7a.large',
    architecture: 'x86_64',
    privateIp: '10.0.0.1',
    launchedAt: new Date(),
    userData: '',
    roleName: 'roleName' in options ? options.roleName : 'runner-role',
  };
}

function userData(settings: Partial<BootSettings>, gitlabUrl: string): string {
  return renderBootScript(readBootSource(), {
    ...sampleBootSettings,
    gitlabUrl,
    waitTimeoutSeconds: 20,
    claimSeconds: 10,
    heldSeconds: 10,
    maximumJobMinutes: 1,
    ...settings,
    timings: { spotCheckSeconds: 1, ...settings.timings },
  });
}

/** Every command that the script may start goes through a recorder of its arguments and environment. */
function writeCommands(bin: string, records: string, options: RunnerHostOptions) {
  const { commands = {}, runner = runsOneJob, runnerProgram } = options;
  const write = (name: string, lines: string) => {
    const recorder = `#!/bin/bash\nprintf '%s ' ${name} "$@" >>${records}/argv; echo >>${records}/argv\ntr '\\0' '\\n' </proc/$$/environ >>${records}/environ\n`;
    writeFileSync(join(bin, name), recorder + lines);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of ['curl', 'stat', 'mkdir', 'rm']) write(name, `exec /usr/bin/${name} "$@"`);
  write('shutdown', `echo "$@" >>${records}/shutdowns`);
  write('gitlab-runner', runnerProgram ? `exec ${runnerProgram} "$@"` : `${runnerStub(records)}\n${runner}`);
  for (const [name, lines] of Object.entries(commands)) write(name, `records=${records}\n${lines}`);
}

const runnerStub = (records: string) => `
records=${records}
tell() { printf '{"level":"info","msg":"%s"%s}\\n' "$1" "\${2-}" | tee -a ${records}/said >&2; }
for argument; do [[ $argument == */config.toml ]] && config=$argument; done
printf '%s\\n' "$@" >${records}/arguments
tr '\\0' '\\n' </proc/$$/environ >${records}/environment
ls -A "\${config%/*}" >${records}/files
stat -c %a "$config" >${records}/mode
cat "$config" >${records}/config.toml
cp "\${config%/*}"/*.json ${records}/ 2>/dev/null
cp "\${config%/*}"/*.pem ${records}/ 2>/dev/null
[[ ! -e $HOME/.docker/config.json ]] || cat "$HOME/.docker/config.json" >${records}/docker.json
cat "\${config%/*}/.runner_system_id" >${records}/system-id
tell 'Starting runner for x with token fake ...'
`;

type Places = Record<'home' | 'bin' | 'temporary' | 'metadata' | 'aws' | 'dockerHost', string>;

function boot(folder: string, { home, bin, temporary, metadata, aws, dockerHost }: Places, options: RunnerHostOptions) {
  // A process that ignores SIGXFSZ gets an error when a file would grow beyond the limit, as it does when a disk is
  // full.
  const limit = options.fileLimitKiB === undefined ? '' : `trap '' XFSZ; ulimit -f ${options.fileLimitKiB}; `;
  const redirection = options.logTo === undefined ? '' : ` >${options.logTo} 2>&1`;
  const child: ChildProcess = spawn('bash', ['-c', `${limit}exec "$0"${redirection}`, join(folder, 'user-data')], {
    cwd: home,
    env: {
      PATH: `${bin}:/usr/bin:/bin`,
      HOME: home,
      TMPDIR: temporary,
      ...(options.ownsDocker ? {} : { HOST_ROOT: join(folder, 'root') }),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `${metadata}/`,
      AWS_ENDPOINT_URL: aws,
      DOCKER_HOST: dockerHost,
      NOT_FOR_JOBS: 'not-a-real-secret',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  child.stdout?.on('data', (chunk) => {
    log += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const shutdownsFile = join(folder, 'records/shutdowns');
  const shutdowns = () => (existsSync(shutdownsFile) ? readFileSync(shutdownsFile, 'utf8').trim().split('\n') : []);
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', () =>
      resolve({ log, reason: /event=end reason=(.*)/.exec(log)?.[1] ?? '', shutdowns: shutdowns() }),
    );
  });
  const kill = () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  };
  return { pid: child.pid ?? 0, ended, kill, log: () => log };
}

export type Ending = {
  readonly log: string;
  /** What the last line of the log says. */
  readonly reason: string;
  /** The arguments of each `shutdown`. */
  readonly shutdowns: readonly string[];
};

/** The token that a ticket has; an empty one is nobody's. */
function wordOf({ token: word }: TicketItem): string {
  return word && 'S' in word ? word.S : '';
}

function memoryFolderOf(argv: string): string {
  return /-c (\S+)\/config\.toml/.exec(argv)?.[1] ?? '';
}

/** As much of GitLab as a host speaks to itself: removing its runner, or itself from one. */
async function startGitLab(runnerToken: string) {
  const deleted: string[] = [];
  const deletedManagers: { readonly token: string | null; readonly systemId: string | null }[] = [];
  const server = createServer(async (request, response) => {
    const body = new URLSearchParams(await textOf(request));
    const call = `${request.method} ${request.url}`;
    const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
    const known = isForm && body.get('token') === runnerToken;
    if (known && call === 'DELETE /api/v4/runners') deleted.push(runnerToken);
    else if (known && call === 'DELETE /api/v4/runners/managers' && body.has('system_id')) {
      deletedManagers.push({ token: runnerToken, systemId: body.get('system_id') });
    } else {
      // As GitLab: nothing but this is there, and it is only for who has the runner's token.
      response.writeHead(call.startsWith('DELETE /api/v4/runners') ? 403 : 404).end();
      return;
    }
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deleted,
    deletedManagers,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
