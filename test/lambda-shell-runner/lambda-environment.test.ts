import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import type { LocalGitLab } from '../../helper-scripts/local-gitlab/local-gitlab.ts';
import { functionSecret, LambdaEnvironment } from './lambda-environment.ts';
import { whyNoSandbox } from './lambda-sandbox.ts';

/*
 * The built function in a process that looks like Lambda's (read-only working folder, a user nobody knows, only /tmp to
 * write to, the runtime API on loopback), with gitlab-runner (once more with the real one where there is one) against
 * the local GitLab. All jobs run in one environment, as they do in a warm function.
 */

const why = whyNoSandbox();
const lambda = new LambdaEnvironment();

beforeAll(async () => {
  if (!why) await lambda.start();
});
afterAll(() => lambda.stop());

/** Namespaces are a matter of the machine. Where tests must prove something, their absence is a failure. */
beforeEach((context: TestContext) => {
  if (!why) return;
  if (process.env.CI) throw new Error(why);
  context.skip(why);
});

const outcomeOf = ({ end }: Awaited<ReturnType<LambdaEnvironment['run']>>) =>
  end.kind === 'crashed' ? end.kind : end.body;

/** GitLab gives the job to the runner of another one. */
const startedForAnother = { job: { projectId: 1, jobId: 0, jobName: 'another', projectPath: null } };

const lookAround =
  'echo "files: $(ls -A /tmp | sed "s/^job-.*/own folder/" | tr "\\n" " ") strays: $(pgrep -c -x sleep)"';

describe('a function on Lambda', () => {
  it('runs a job in a folder of its own', async () => {
    const run = await lambda.run({
      script: ['id -u', 'pwd', 'echo home=$HOME tmp=$TMPDIR', 'touch /cannot-be || echo read-only'],
    });
    expect(outcomeOf(run)).toEqual({ outcome: 'job-succeeded', takenJobId: run.job.id, reported: true });
    expect(run.job.status).toBe('success');
    expect(run.trace).toMatch(/home=\/tmp\/job-\w+\/home tmp=\/tmp\/job-\w+\/tmp/);
    expect(run.trace).toContain('read-only');
  });

  it('says how a script failed', async () => {
    const run = await lambda.run({ script: ['exit 3'] });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-failed', failureReason: 'script_failure', exitCode: 3 });
    expect(run.job.status).toBe('failed');
  });

  it('ends a job that its user cancels', async () => {
    const run = await lambda.run({
      script: ['for i in $(seq 600); do echo $i; sleep 0.1; done'],
      whileRunning: (jobId, gitlab) => gitlab.cancelJob(jobId),
    });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-failed', takenJobId: run.job.id });
    expect(run.job.status).toBe('canceled');
  });

  it.each([
    { how: 'asked to stop', force: false },
    { how: 'ended at once', force: true },
  ])('takes no second job when its own is canceled as it is handed out: $how', async ({ force }) => {
    const { gitlab } = lambda;
    const stop = gitlab.onJobChange(({ to, job }) => to === 'running' && cancelWith(gitlab, job.id, force));
    // As long as any real GitLab needs for its answer.
    const method = 'PUT';
    gitlab.faults.addRoute({ method, path: '/api/v4/jobs/*', times: 1, effect: { kind: 'delay', milliseconds: 300 } });
    const run = await lambda.run({ script: ['true'], more: ['parallel: 2'] });
    stop();
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-failed', failureReason: 'canceled_before_start' });
    const jobs = gitlab.jobs().filter(({ pipelineId }) => pipelineId === run.job.pipelineId);
    expect(jobs.map(({ status }) => status)).toEqual(['canceled', 'pending']);
  });

  it.each([
    ['which fetches no sources', []],
    ['whose sources are an empty folder', ['variables: { GIT_STRATEGY: empty }']],
  ])('refuses a job that says image: and is mapped elsewhere, before any hook: %s', async (_, more) => {
    const run = await lambda.run({
      script: ['echo "the script $((40 + 2))"'],
      more: ['image: docker:27', ...more],
      payload: {
        ...startedForAnother,
        images: { rules: [{ name: 'job', refusal: 'its mapping "a row" sends it to EC2' }] },
      },
    });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-failed', failureReason: 'script_failure', exitCode: 1 });
    expect(run.trace).toContain(
      'This job says image: docker:27, which a Lambda function cannot give it: its mapping "a row"',
    );
    expect(run.trace).not.toMatch(/the script 42|hook of the profile/);
  });

  it('runs a job with an inherited image that is mapped to functions', async () => {
    const run = await lambda.run({
      script: ['echo "the script $((40 + 2))"'],
      more: ['image: docker:27'],
      payload: {
        ...startedForAnother,
        images: {
          rules: [
            { name: 'job', refusal: null },
            { name: '*', refusal: 'no' },
          ],
        },
      },
    });
    expect(run.job.status).toBe('success');
    expect(run.trace).toMatch(/hook of the profile[\s\S]*the script 42/);
  });

  it('ends a job whose own time is over', async () => {
    const run = await lambda.run({ script: ['sleep 300'], more: ['timeout: 2 seconds'] });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-failed', failureReason: 'job_execution_timeout' });
    expect(run.job.status).toBe('failed');
  });

  it('ends a job before its own time is over, early enough for GitLab to hear of it', async () => {
    const run = await lambda.run({ script: ['sleep 300'], seconds: 50 });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'out-of-time', reported: true });
    expect(run.job).toMatchObject({ status: 'failed', failureReason: 'runner_interrupted' });
  });

  it('ends a runner that GitLab refuses at once', async () => {
    const startedAt = Date.now();
    const run = await lambda.run({ script: ['true'], token: 'glrt-fake-nobody-knows-it' });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'runner-refused' });
    expect(Date.now() - startedAt).toBeLessThan(60_000);
    await removeRunner(run.token);
  });

  it('goes away without a job, and says when GitLab was down', async () => {
    const { id, token, projectId } = await lambda.createIdleRunner();
    lambda.gitlab.faults.addRoute({ path: '/api/v4/jobs/request', effect: { kind: 'respond', status: 503 } });
    const end = await lambda.invoke({ runnerId: id, projectId, jobId: 1, token });
    lambda.gitlab.faults.clear();
    expect(end).toMatchObject({
      kind: 'error',
      body: { errorType: 'GitLabUnreachableError', errorMessage: expect.stringContaining('503') },
    });
    expect(lambda.gitlab.runners().map((runner) => runner.id)).not.toContain(id);
  });
});

/** Cancels a job; `force`: without its runner's consent. */
function cancelWith(gitlab: LocalGitLab, jobId: number, force: boolean): void {
  gitlab.cancelJob(jobId);
  if (force) gitlab.cancelJob(jobId, true);
}

async function removeRunner(token: string): Promise<void> {
  await fetch(`${lambda.gitlab.url}/api/v4/runners`, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}

describe('a job on Lambda that steals', () => {
  /** Everything that a job can read of processes and files, kept where the test finds it. */
  const steal = [
    'env > /mnt/out/env',
    'for p in /proc/[0-9]*; do cat $p/environ $p/cmdline; done 2>/dev/null | tr "\\0" "\\n" > /mnt/out/proc || true',
    'find /tmp /var /dev/shm -type f ! -name index.mjs -exec cat {} + > /mnt/out/files 2>/dev/null || true',
    'cat $HOME/../runner/* /tmp/*/runner/* > /mnt/out/config 2>/dev/null || true',
    // Memory can be read only where its map can.
    'for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || (cat $p/maps && readlink $p/exe && head -c 1 $p/mem) > /dev/null 2>&1 && echo "memory of $(tr "\\0" " " < $p/cmdline)"; done > /mnt/out/memory || true',
  ];

  it('finds neither the function’s credentials nor its runner’s token', async () => {
    const run = await lambda.run({ script: steal });
    expect(outcomeOf(run)).toMatchObject({ outcome: 'job-succeeded' });
    expect(lambda.read('env')).toContain('CI_JOB_ID');
    expect(lambda.read('proc')).toContain('run-single');
    const loot = ['env', 'proc', 'files', 'config', 'memory'].map((name) => lambda.read(name)).join('\n') + run.trace;
    expect([functionSecret, run.token].filter((secret) => loot.includes(secret))).toEqual([]);
    expect(loot).not.toMatch(/AWS_(SECRET|ACCESS|SESSION|LAMBDA)/);
    expect(lambda.read('memory')).not.toMatch(/gitlab-runner|stand-in|runtime\.mjs/);
    if (process.getuid?.() === 0) expect(lambda.log).toContain('"credentialsHiddenFromJob":true');
    expect(lambda.log).not.toContain(run.token);
  });
});

describe('a job on Lambda that leaves something', () => {
  it('leaves no process and no file to the next one', async () => {
    await lambda.run({
      script: [
        'touch /tmp/trace1 /tmp/.hidden "$HOME/a"',
        'mkdir -p /tmp/ro/ro && touch /tmp/ro/ro/f && chmod -R a-w /tmp/ro',
        '(env -i setsid sleep 300 < /dev/null > /dev/null 2>&1 &)',
        'setsid bash -c "(sleep 300 &) ; exit" < /dev/null > /dev/null 2>&1',
      ],
    });
    const { trace } = await lambda.run({ script: [lookAround] });
    expect(trace).toContain('files: own folder  strays: 0');
  });

  it('is cleaned up after when it ended the function’s process itself', async () => {
    const run = await lambda.run({
      script: [
        'touch /tmp/left; (setsid sleep 300 < /dev/null > /dev/null 2>&1 &)',
        'kill -9 $(pgrep -f runtime.mjs)',
        'sleep 300',
      ],
    });
    expect(outcomeOf(run)).toBe('crashed');
    const next = await lambda.run({ script: [lookAround] });
    expect(next.trace).toContain('files: own folder  strays: 0');
    await removeRunner(run.token);
  });

  it('does not make the function grow: 50 jobs in a row leave memory, files and disk as they were', async () => {
    const held: { rssBytes: number; openFiles: number }[] = [];
    for (let count = 0; count < 50; count += 1) {
      const { end, trace } = await lambda.run({
        script: [
          lookAround,
          'head -c 2000000 /dev/zero > "$HOME/big"; cp "$HOME/big" /tmp/big',
          '(setsid sleep 300 < /dev/null > /dev/null 2>&1 &)',
        ],
      });
      expect(trace).toContain('files: own folder  strays: 0');
      if (end.kind !== 'response') throw new Error(`job ${count}: ${JSON.stringify(end)}`);
      held.push(end.held);
    }
    const median = (from: number, to: number, of: (one: (typeof held)[number]) => number) =>
      held
        .slice(from, to)
        .map(of)
        .sort((a, b) => a - b)[Math.floor((to - from) / 2)] ?? 0;
    const grownBytes = median(40, 50, ({ rssBytes }) => rssBytes) - median(10, 20, ({ rssBytes }) => rssBytes);
    expect(grownBytes / 2 ** 20).toBeLessThan(16);
    expect(median(40, 50, ({ openFiles }) => openFiles)).toBeLessThanOrEqual(
      median(0, 10, ({ openFiles }) => openFiles),
    );
  });
});
