import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { JobStatus } from '../../../helper-scripts/local-gitlab/job.ts';
import type { LocalGitLab } from '../../../helper-scripts/local-gitlab/local-gitlab.ts';
import { gitlabUnderTest, hookReceiver, registerRunner } from '../local-gitlab/gitlab-under-test.ts';
import { bundleForTests, scratchFolder, startStandIn } from './stand-in-run.ts';

let scratch: ReturnType<typeof scratchFolder>;
let bundle: string;

beforeAll(async () => {
  scratch = scratchFolder();
  bundle = await bundleForTests(scratch.path);
});
afterAll(() => scratch.dispose());

/** A project, a runner of its own and a folder for that runner's host. */
async function setUp(variables: Parameters<LocalGitLab['createProject']>[1] = {}) {
  const receiver = await hookReceiver();
  const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
  const project = gitlab.createProject('group/app', variables);
  const { token } = await registerRunner(gitlab, project.id, { description: 'stand-in', tag_list: ['aws'] });
  const folder = mkdtempSync(join(scratch.path, 'host-'));
  const settings = { url: gitlab.url, token, name: 'one', builds_dir: `${folder}/builds` };
  type More = Partial<Parameters<typeof startStandIn>[0]> & {
    readonly executor?: string;
    readonly environment?: readonly string[];
    readonly config?: string;
  };
  const run = (
    maxBuilds: number,
    { executor = 'shell', environment = ['FROM_CONFIG=yes'], config = '', ...more }: More = {},
  ) => {
    const toml = Object.entries({ executor, ...settings }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    const file = `[[runners]]\n${toml.join('\n')}\nenvironment = ${JSON.stringify(environment)}\n${config}`;
    writeFileSync(`${folder}/config.toml`, file);
    const limits = ['--max-builds', String(maxBuilds), '--wait-timeout', '20'];
    const args = ['--log-format', 'json', 'run-single', '-c', `${folder}/config.toml`, '-r', 'one', ...limits];
    return startStandIn({ bundle, folder, scale: 0.1, args, ...more });
  };
  return { gitlab, receiver, project, folder, token, run };
}

/** The lines that a job's script wrote, without times and colours. */
function output(gitlab: LocalGitLab, name: string): readonly string[] {
  const job = gitlab.jobs().find((candidate) => candidate.name === name && !candidate.retried);
  const lines = gitlab.jobTrace(job?.id ?? 0).split('\n');
  return lines
    .flatMap((line) => /^\S+Z 01[OE] (.*)$/.exec(line)?.[1] ?? [])
    .filter((line) => !line.startsWith(colourCode) && !line.startsWith('Running on'));
}

/** Begins the lines that the runner colours: the commands, as they are echoed. */
const colourCode = '\u001b';

const statuses = (gitlab: LocalGitLab): Readonly<Record<string, JobStatus>> =>
  Object.fromEntries(gitlab.jobs().map(({ name, status }) => [name, status]));

function untilChange(gitlab: LocalGitLab, to: JobStatus): Promise<void> {
  return new Promise((resolve) => {
    gitlab.onJobChange((change) => {
      if (change.to === to) resolve();
    });
  });
}

describe('the stand-in with the local GitLab', () => {
  it('runs a whole pipeline, stage by stage, with an allowed and a real failure', async () => {
    const { gitlab, project, receiver, run } = await setUp();
    gitlab.createPipeline(
      project.id,
      `
stages: [build, test, deploy]
default: { tags: [aws] }
variables: { GREETING: hello, LONG: "$GREETING world" }
compile: { stage: build, before_script: ['echo before'], script: ['echo "$LONG"'], after_script: ['echo after $CI_JOB_STATUS'] }
lint: { stage: build, script: ['echo bad', 'exit 3', 'echo never'], allow_failure: true }
unit: { stage: test, parallel: 2, script: 'echo node $CI_NODE_INDEX/$CI_NODE_TOTAL' }
broken: { stage: test, script: 'exit 7', after_script: ['echo after $CI_JOB_STATUS'] }
ship: { stage: deploy, script: 'echo never' }
`,
    );
    const { exitCode, log } = await run(5).ended;
    expect(exitCode).toBe(0);
    expect(statuses(gitlab)).toEqual({
      compile: 'success',
      lint: 'failed',
      'unit 1/2': 'success',
      'unit 2/2': 'success',
      broken: 'failed',
      ship: 'skipped',
    });
    expect(gitlab.pipelines()).toMatchObject([{ status: 'failed' }]);
    expect(output(gitlab, 'compile')).toEqual(['before', 'hello world', 'after success']);
    expect(output(gitlab, 'lint')).toEqual(['bad']);
    expect(output(gitlab, 'unit 2/2')).toEqual(['node 2/2']);
    expect(output(gitlab, 'broken')).toEqual(['after failed']);
    expect(gitlab.jobs().find(({ name }) => name === 'broken')).toMatchObject({
      failureReason: 'script_failure',
      exitCode: 7,
    });
    await gitlab.settleWebhooks();
    expect(receiver.statuses('lint')).toEqual(['created', 'pending', 'running', 'failed']);
    const received = log.map((line) => JSON.parse(line) as { msg: string; job?: number });
    expect(received.filter(({ msg }) => msg === 'Checking for jobs... received').map(({ job }) => job)).toEqual(
      gitlab
        .jobs()
        .filter(({ runnerId }) => runnerId !== null)
        .map(({ id }) => id),
    );
  });

  it('gives a job its variables, files too, keeps masked values out of its log and leaves no file behind', async () => {
    const { gitlab, project, folder, run } = await setUp({
      variables: [
        { key: 'SETTINGS', value: 'from a file', file: true, masked: false },
        { key: 'PASSWORD', value: 'not-a-real-secret', file: false, masked: true },
      ],
    });
    gitlab.createPipeline(
      project.id,
      `job:
  tags: [aws]
  script:
    - cat "$SETTINGS"; echo
    - echo "the password is $PASSWORD and the token $CI_JOB_TOKEN"
    - echo "$FROM_CONFIG $INHERITED $CI_PROJECT_PATH $(basename "$PWD")"
    - printf 'no line break'
`,
    );
    await run(1, { env: { INHERITED: 'too' } }).ended;
    expect(output(gitlab, 'job')).toEqual([
      'from a file',
      'the password is [MASKED] and the token [MASKED]',
      'yes too group/app app',
      'no line break',
    ]);
    expect(
      readdirSync(join(folder, 'builds'), { recursive: true }).filter((path) => String(path).includes('SETTINGS')),
    ).toEqual([]);
  });

  it('lets the environment of its file give way to what is predefined, and expands it from job variables', async () => {
    const { gitlab, project, run } = await setUp();
    const names = ['CI_SERVER', 'CI_CONCURRENT_ID', 'CI_RUNNER_VERSION', 'CI_JOB_NAME', 'WHERE', 'COST'];
    const script = names.map((name) => `echo "${name} $${name}"`);
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: ${JSON.stringify(script)} }`);
    const own = names.slice(0, 4).map((name) => `${name}=ours`);
    const environment = [...own, 'WHERE=/opt/$CI_JOB_NAME:$PATH:$HOME', 'COST=$$5'];
    await run(1, { environment }).ended;
    expect(output(gitlab, 'job')).toEqual([
      'CI_SERVER yes',
      'CI_CONCURRENT_ID 0',
      'CI_RUNNER_VERSION 19.3.0',
      'CI_JOB_NAME job',
      'WHERE /opt/job::',
      'COST $5',
    ]);
  });

  it.each(['none', 'empty'])('runs no script around the sources with GIT_STRATEGY %s', async (strategy) => {
    const { gitlab, project, run } = await setUp();
    const variables = `variables: { GIT_STRATEGY: ${strategy} }`;
    gitlab.createPipeline(project.id, `job: { tags: [aws], ${variables}, script: ['echo script'] }`);
    const config = 'pre_get_sources_script = "echo before"\npost_get_sources_script = "echo after"\n';
    await run(1, { config }).ended;
    expect(output(gitlab, 'job')).toEqual(['script']);
  });

  it('shows the token of the runner neither in the environment nor on the command line when it comes in a file', async () => {
    const { gitlab, project, token, run } = await setUp();
    gitlab.createPipeline(
      project.id,
      `job: { tags: [aws], script: [env, 'tr "\\0" " " < /proc/$PPID/cmdline', 'cat /proc/$PPID/environ | tr "\\0" "\\n"'] }`,
    );
    await run(1).ended;
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect(gitlab.jobTrace(id)).toContain('run-single -c');
    expect(gitlab.jobTrace(id)).not.toContain(token);
  });

  it('stops the script of a job that is cancelled, runs its after_script and lets GitLab call it canceled', async () => {
    const { gitlab, project, run } = await setUp();
    const script = 'while true; do echo tick; sleep 0.1; done';
    gitlab.createPipeline(
      project.id,
      `job: { tags: [aws], script: '${script}', after_script: 'echo after $CI_JOB_STATUS' }`,
    );
    const runner = run(1);
    const [{ id } = { id: 0 }] = gitlab.jobs();
    await vi.waitUntil(() => gitlab.jobTrace(id).includes('tick'), { timeout: 20_000 });
    gitlab.cancelJob(id);
    expect((await runner.ended).exitCode).toBe(0);
    expect(statuses(gitlab)).toEqual({ job: 'canceled' });
    expect(output(gitlab, 'job')).toContain('after canceled');
  });

  it('does not begin a job that was cancelled as it was handed out, and takes the next one', async () => {
    const { gitlab, project, run } = await setUp();
    const job = "{ tags: [aws], script: 'echo done' }";
    gitlab.createPipeline(project.id, `unwanted: ${job}\nwanted: ${job}`);
    gitlab.onJobChange(({ job: { id, name }, to }) => {
      if (name === 'unwanted' && to === 'running') gitlab.cancelJob(id);
    });
    await run(1).ended;
    expect(statuses(gitlab)).toEqual({ unwanted: 'canceled', wanted: 'success' });
    expect(output(gitlab, 'unwanted')).toEqual([]);
  });

  it('notices in a job that writes nothing that GitLab has ended it', async () => {
    const { gitlab, project, run } = await setUp();
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: ['sleep 60'] }`);
    const running = untilChange(gitlab, 'running');
    const runner = run(1, { scale: 0.02 });
    await running;
    gitlab.dropJob(gitlab.jobs()[0]?.id ?? 0, 'no_updates_running');
    expect((await runner.ended).exitCode).toBe(0);
    expect(statuses(gitlab)).toEqual({ job: 'failed' });
  });

  it('sends the log again when GitLab has less of it, and goes on through errors of the server', async () => {
    const { gitlab, project, run } = await setUp();
    const trace = '/api/v4/jobs/*/trace';
    gitlab.faults.addRoute({
      method: 'PATCH',
      path: trace,
      times: 1,
      effect: { kind: 'respond', status: 416, headers: { Range: '0-0' } },
    });
    gitlab.faults.addRoute({ method: 'PATCH', path: trace, times: 2, effect: { kind: 'respond', status: 502 } });
    gitlab.faults.addRoute({ method: 'PATCH', path: trace, times: 1, effect: { kind: 'drop' } });
    gitlab.faults.addRoute({ method: 'POST', path: '/api/v4/jobs/request', times: 1, effect: { kind: 'drop' } });
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: ['echo one', 'sleep 1', 'echo two'] }`);
    expect((await run(1).ended).exitCode).toBe(0);
    expect(statuses(gitlab)).toEqual({ job: 'success' });
    expect(output(gitlab, 'job')).toEqual(['one', 'two']);
    expect(gitlab.jobs()[0]?.logIsWhole).toBe(true);
    expect(gitlab.faults.list()).toEqual([]);
  });

  it('cuts a log that grows too long, and says so', async () => {
    const { gitlab, project, run } = await setUp();
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: ['seq 1 5000'] }`);
    await run(1, { config: 'output_limit = 2\n' }).ended;
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect(gitlab.jobTrace(id)).toContain("Job's log exceeded limit of 2048 bytes.");
    expect(gitlab.jobTrace(id).length).toBeLessThan(2400);
    expect(statuses(gitlab)).toEqual({ job: 'success' });
  });

  it('runs the script of a docker job in a shell and says so in its log', async () => {
    const { gitlab, project, run } = await setUp();
    gitlab.createPipeline(project.id, `job: { tags: [aws], image: 'alpine:3', script: 'echo in a shell' }`);
    await run(1, { executor: 'docker' }).ended;
    const [{ id } = { id: 0 }] = gitlab.jobs();
    expect(output(gitlab, 'job')).toEqual(['in a shell']);
    expect(gitlab.jobTrace(id)).toContain(
      'there is no docker executor, so the script runs on this host in a plain shell instead of a container of alpine:3',
    );
  });

  it('fails a job for which its host has no place', async () => {
    const { gitlab, project, folder, run } = await setUp();
    writeFileSync(`${folder}/builds`, 'a file where the folder should be');
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: 'echo never' }`);
    await run(1).ended;
    expect(gitlab.jobs()).toMatchObject([{ status: 'failed', failureReason: 'runner_system_failure' }]);
  });
});
