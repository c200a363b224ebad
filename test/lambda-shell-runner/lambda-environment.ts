import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runtimeClientSource, startRuntimeApi } from '../../helper-scripts/bench/lambda-runtime.server.ts';
import { startLocalGitLab } from '../../helper-scripts/local-gitlab/local-gitlab.server.ts';
import type { LocalGitLab } from '../../helper-scripts/local-gitlab/local-gitlab.ts';
import { bundleStandIn } from '../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { bundleFolderOf } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';
import type { LambdaRunnerPayload } from '../../infrastructure/kit/runner-ticket.ts';
import { refusalOf } from '../autoscaler/runner-types/ec2/ticket-table.server.ts';
import { adminToken, registerRunner, type TestRunner } from '../helper-scripts/local-gitlab/gitlab-under-test.ts';
import { runnerUnderTest } from '../support/runner-under-test.ts';
import { jobPayload } from './executions.ts';
import { mounts, namespaces } from './lambda-sandbox.ts';

const entry = join(import.meta.dirname, '../../lambda-shell-runner/run-job.lambda.ts');

/** What the function has, and no job may see. */
export const functionSecret = 'not-a-real-secret-of-the-function';

const region = 'eu-west-1';
const credentials = {
  accessKeyId: 'fake-access-key',
  secretAccessKey: functionSecret,
  sessionToken: functionSecret,
};

/** As Lambda's: without an entry in /etc/passwd. */
const oddUser = process.getuid?.() === 0 ? ['--reuid', '10993', '--regid', '10990', '--clear-groups'] : [];

/**
 * As `lambda-sandbox.ts`, but with a process that asks the runtime API for events, and that is started again when it
 * crashed. A shell starts it, since setpriv itself still may read everything, and Linux would hide nothing of what it
 * starts.
 */
const enter = `${mounts}
until setpriv ${oddUser.join(' ')} --inh-caps=-all --bounding-set=-all \\
  sh -c 'exec /mnt/bin/node /mnt/bin/runtime.mjs'; do :; done
`;

type JobOptions = {
  /** Lines of the job's script. */
  readonly script: readonly string[];
  /** More of the job, as lines of its `.gitlab-ci.yml`. */
  readonly more?: readonly string[];
  /** What the function has until Lambda ends it. */
  readonly seconds?: number;
  /** The token that its ticket holds, instead of the runner's. */
  readonly token?: string;
  /** What the autoscaler tells the function. */
  readonly payload?: Partial<LambdaRunnerPayload>;
  /** Done once the job runs. */
  readonly whileRunning?: (jobId: number, gitlab: LocalGitLab) => void;
};

/**
 * One execution environment of Lambda with the built function in it, a GitLab, and jobs that run there one after the
 * other.
 */
export class LambdaEnvironment {
  readonly folder = mkdtempSync(join(tmpdir(), 'lambda-environment-'));
  readonly #tickets = new Map<string, string>();
  readonly #servers: Server[] = [];
  #api: Awaited<ReturnType<typeof startRuntimeApi>> | undefined;
  #gitlab: LocalGitLab | undefined;
  #process: ChildProcess | undefined;
  #output = '';
  #count = 0;

  get gitlab(): LocalGitLab {
    if (!this.#gitlab) throw new Error('not started');
    return this.#gitlab;
  }
  /** What the function logged. */
  get log(): string {
    return this.#output;
  }

  async start(): Promise<void> {
    this.#api = await startRuntimeApi();
    this.#gitlab = await startLocalGitLab({ port: 0, adminToken, traceUpdateIntervalSeconds: 1 });
    await this.#furnish();
    this.#process = spawn('unshare', [...namespaces, '--kill-child', 'bash', '-c', enter, 'enter', this.folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `/mnt/bin:${process.env.PATH}`,
        BUNDLE: '/var/task/index.mjs',
        RUNNER_SETTINGS: JSON.stringify({ pre_build_script: 'echo hook of the profile' }),
        AWS_LAMBDA_RUNTIME_API: this.#api.address,
        AWS_ENDPOINT_URL: await this.#serveTickets(),
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SESSION_TOKEN: credentials.sessionToken,
      },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    await this.#api.ready();
  }

  async stop(): Promise<void> {
    this.#api?.end();
    if (this.#process && this.#process.exitCode === null) {
      await Promise.race([new Promise((resolve) => this.#process?.once('exit', resolve)), sleep(10_000)]);
      this.#process.kill('SIGKILL');
    }
    this.#api?.stop();
    await this.#gitlab?.stop();
    for (const server of this.#servers) server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * A job in GitLab, a runner for it with its ticket, and the invocation that the autoscaler would make; returns how
   * all of it ended.
   */
  async run({ script, more = [], seconds = 60, token, payload = {}, whileRunning }: JobOptions) {
    const { gitlab } = this;
    this.#count += 1;
    const tag = `only-${this.#count}`;
    const project = gitlab.createProject(`group/p${this.#count}`);
    const yaml = [
      'variables: { GIT_STRATEGY: none }',
      'job:',
      `  tags: [${tag}]`,
      ...more.map((line) => `  ${line}`),
      '  script:',
      ...script.map((line) => `    - ${JSON.stringify(line)}`),
    ];
    const created = await this.#createRunner(project.id, tag);
    const pipeline = gitlab.createPipeline(project.id, yaml.join('\n'));
    const jobId = gitlab.jobs().find((job) => job.pipelineId === pipeline.id)?.id ?? 0;
    const ended = this.invoke({
      runnerId: created.id,
      projectId: project.id,
      jobId,
      token: token ?? created.token,
      seconds,
      payload,
    });
    if (whileRunning) {
      while (gitlab.job(jobId).status !== 'running') await sleep(50);
      whileRunning(jobId, gitlab);
    }
    return { end: await ended, job: gitlab.job(jobId), trace: gitlab.jobTrace(jobId), ...created };
  }

  /** The invocation alone, for a runner that exists. */
  invoke(of: {
    runnerId: number;
    projectId: number;
    jobId: number;
    token: string;
    seconds?: number;
    payload?: Partial<LambdaRunnerPayload>;
  }) {
    const ticketId = `ticket-${this.#count}`;
    this.#tickets.set(ticketId, of.token);
    const payload = jobPayload({
      ticketId,
      gitlabUrl: this.gitlab.url,
      runnerId: of.runnerId,
      job: { projectId: of.projectId, jobId: of.jobId, jobName: 'job', projectPath: 'group/p' },
      ...of.payload,
    });
    if (!this.#api) throw new Error('not started');
    return this.#api.invoke(payload, of.seconds);
  }

  /** A runner that nobody has a job for. */
  async createIdleRunner(): Promise<{ readonly id: number; readonly token: string; readonly projectId: number }> {
    this.#count += 1;
    const project = this.gitlab.createProject(`group/p${this.#count}`);
    return { ...(await this.#createRunner(project.id, 'nobody')), projectId: project.id };
  }

  /** What jobs wrote into `/mnt/out/NAME`. */
  read(name: string): string {
    const file = join(this.folder, 'out', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #createRunner(projectId: number, tag: string): Promise<TestRunner> {
    return registerRunner(this.gitlab, projectId, { tag_list: [tag] });
  }

  async #furnish(): Promise<void> {
    const at = (...parts: string[]) => join(this.folder, ...parts);
    for (const name of ['bin', 'task', 'out']) mkdirSync(at(name));
    // As in the image: a user of the function may execute Node.js and gitlab-runner, but not read them.
    copyFileSync(process.execPath, at('bin', 'node'));
    copyFileSync(join(bundleFolderOf(entry), 'index.mjs'), at('task', 'index.mjs'));
    writeFileSync(at('bin', 'runtime.mjs'), runtimeClientSource);
    const found = await runnerUnderTest();
    if (found.kind === 'real') copyFileSync(found.path, at('bin', 'gitlab-runner'));
    else {
      await bundleStandIn(at('bin', 'stand-in.mjs'));
      writeFileSync(at('bin', 'gitlab-runner'), '#!/bin/sh\nexec /mnt/bin/node /mnt/bin/stand-in.mjs "$@"\n');
    }
    chmodSync(at('bin', 'gitlab-runner'), found.kind === 'real' ? 0o711 : 0o755);
    chmodSync(at('bin', 'node'), 0o711);
    for (const name of ['.', 'out']) chmodSync(at(name), 0o777);
  }

  /** DynamoDB, as far as tickets are deleted from it by who signs for it. */
  async #serveTickets(): Promise<string> {
    const server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString('utf8');
      const refusal = refusalOf(request, body, credentials, region);
      if (refusal) {
        response.writeHead(400, { connection: 'close' }).end(JSON.stringify({ message: refusal }));
        return;
      }
      const { S: id } = (JSON.parse(body) as { Key: { id: { S: string } } }).Key.id;
      const token = this.#tickets.get(id);
      this.#tickets.delete(id);
      const expiresAt = { N: String(Math.floor(Date.now() / 1_000) + 600) };
      const item = { id: { S: id }, token: { S: token }, job: { S: 'job#123#10' }, expiresAt };
      response.writeHead(200, { connection: 'close' }).end(JSON.stringify(token ? { Attributes: item } : {}));
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}
