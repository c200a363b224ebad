import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { mendJob } from '../../../../autoscaler/interrupt-runner/mend-job.lambda.ts';
import { startLocalGitLab } from '../../../../helper-scripts/local-gitlab/local-gitlab.server.ts';
import { writeRunnerFolder } from '../../../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { timeScaleVariable } from '../../../../helper-scripts/local-runner/runner-time.process.ts';
import { createGitLab } from '../../../../infrastructure/gitlab/gitlab.client.ts';
import { jobKeyOf } from '../../../../infrastructure/kit/job-key.ts';
import { adminToken, registerRunner } from '../../../helper-scripts/local-gitlab/gitlab-under-test.ts';
import { silentRegistry } from '../../../helper-scripts/local-runner/registry.server.ts';
import { freePort } from '../../../support/free-port.ts';
import { inMemoryRetryMarks } from '../../../support/in-memory-retry-marks.ts';
import { inMemoryRunnersStore } from '../../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../../support/lambda-context.ts';
import { runnerUnderTest } from '../../../support/runner-under-test.ts';
import { bootRunnerHost, type RunnerHostOptions, ticket } from './runner-host.ts';

let folder: string;
let runnerProgram: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boot-gitlab-'));
  runnerProgram = await writeRunnerFolder(folder, await runnerUnderTest());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A GitLab with a runner for one project, and the means to boot that runner's host. */
async function world(test: TestContext) {
  const gitlab = await startLocalGitLab({ port: 0, adminToken, traceUpdateIntervalSeconds: 1 });
  test.onTestFinished(() => gitlab.stop());
  const project = gitlab.createProject('group/app');
  const { token } = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
  const run = (script: string, more = '') => {
    gitlab.createPipeline(project.id, `job: { tags: [aws], script: ${JSON.stringify(script)}${more} }`);
    return gitlab.jobs()[0]?.id ?? 0;
  };
  const boot = async (options: RunnerHostOptions = {}) => {
    const machine = await bootRunnerHost({
      gitlabUrl: gitlab.url,
      runnerProgram,
      ticket: ticket({ token: { S: token } }),
      ...options,
      settings: { executor: 'shell', runnerSettings: {}, ...options.settings },
    });
    test.onTestFinished(() => machine.close());
    return machine;
  };
  return { gitlab, token, run, boot };
}

const isRunning = async ({ gitlab }: Awaited<ReturnType<typeof world>>, jobId: number, text: string) =>
  expect.poll(() => gitlab.jobTrace(jobId)).toContain(text);

describe('a host with a runner and a GitLab', () => {
  it('runs the job, with the profile’s scripts around it, and leaves nothing', async (test) => {
    const { gitlab, token, run, boot } = await world(test);
    const jobId = run('echo "script $GREETING"');
    const machine = await boot({
      settings: {
        runnerSettings: {
          environment: ['GREETING=hello'],
          pre_build_script: 'echo "before $CI_JOB_ID"\nGREETING="$GREETING again"',
          post_build_script: 'echo after',
        },
      },
    });
    const { reason, shutdowns, log } = await machine.ended;
    expect(reason).toBe(`job-over job=${jobId} outcome=succeeded`);
    expect(shutdowns).toEqual(['-h now']);
    expect(gitlab.job(jobId).status).toBe('success');
    expect(gitlab.jobTrace(jobId)).toMatch(new RegExp(`before ${jobId}[\\s\\S]*script hello again[\\s\\S]*after`));
    // Its runner is left to the control plane: GitLab would forget with it which one had the job.
    expect(gitlab.runners()).toHaveLength(1);
    expect(machine.filesWith(token)).toEqual([]);
    expect(log).not.toContain(token);
  });

  it('fails the job when a script of the profile fails', async (test) => {
    const { gitlab, run, boot } = await world(test);
    const jobId = run('echo never');
    const machine = await boot({ settings: { runnerSettings: { pre_build_script: 'exit 3' } } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe(`job-over job=${jobId} outcome=failed failure=script_failure`);
    expect(shutdowns).toEqual(['-h now']);
    expect(gitlab.job(jobId)).toMatchObject({ status: 'failed', exitCode: 3 });
  });

  it('says that GitLab was not there', async (test) => {
    const { boot } = await world(test);
    const machine = await boot({
      gitlabUrl: `http://127.0.0.1:${await freePort()}`,
      settings: { waitTimeoutSeconds: 4 },
    });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('gitlab-unreachable');
    expect(shutdowns).toEqual(['-h now']);
  });

  it('ends at once when GitLab refuses the token', async (test) => {
    const { gitlab, boot } = await world(test);
    const machine = await boot({ ticket: ticket({ token: { S: 'glrt-fake-of-nobody' } }) });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('runner-refused');
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.filesWith('glrt-fake-of-nobody')).toEqual([]);
    expect(gitlab.runners()).toHaveLength(1);
  });

  it('ends without a job when none comes in time', async (test) => {
    const { gitlab, token, boot } = await world(test);
    const machine = await boot({ settings: { waitTimeoutSeconds: 2 } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('no-job');
    expect(shutdowns).toEqual(['-h now']);
    expect(gitlab.runners()).toEqual([]);
    expect(machine.filesWith(token)).toEqual([]);
  });

  it('ends with its job when that is canceled', async (test) => {
    const there = await world(test);
    const jobId = there.run('while :; do echo begun; sleep 0.5; done');
    const machine = await there.boot();
    await isRunning(there, jobId, 'begun');
    there.gitlab.cancelJob(jobId);
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe(`job-over job=${jobId} outcome=failed failure=job_canceled`);
    expect(shutdowns).toEqual(['-h now']);
    expect(there.gitlab.job(jobId).status).toBe('canceled');
    expect(machine.filesWith(there.token)).toEqual([]);
  });

  it.for([
    { how: 'asked to stop', force: false, mode: '' },
    { how: 'ended at once', force: true, mode: '' },
    { how: 'ended at once, on a runner that lives on', force: true, mode: 'manager' },
  ])('takes no second job when its own is canceled as it is handed out: $how', async ({ force, mode }, test) => {
    const { gitlab, token, run, boot } = await world(test);
    const jobId = run('echo never');
    run('echo the next in line');
    gitlab.onJobChange(({ to, job }) => {
      if (to !== 'running') return;
      gitlab.cancelJob(job.id);
      if (force) gitlab.cancelJob(job.id, true);
    });
    // As long as any real GitLab needs for its answer.
    const method = 'PUT';
    gitlab.faults.addRoute({ method, path: '/api/v4/jobs/*', times: 1, effect: { kind: 'delay', milliseconds: 300 } });
    const machine = await boot({ ticket: ticket({ token: { S: token }, ...(mode ? { mode: { S: mode } } : {}) }) });
    const { reason, log } = await machine.ended;
    expect(log).toContain(`event=job-gone job=${jobId}`);
    expect(reason).toBe('no-job');
    expect(gitlab.jobs().map(({ status }) => status)).toEqual(['canceled', 'pending']);
  });

  it('reports its job as interrupted also when that comes as it is handed out', async (test) => {
    const there = await world(test);
    const jobId = there.run('echo begun; sleep 300');
    const machine = await there.boot();
    await machine.hostSays('Checking for jobs... received');
    process.kill(machine.pid, 'SIGTERM');
    const { reason, log } = await machine.ended;
    expect(log).toMatch(/Requested quit[\s\S]*Requested exit: terminated/);
    expect(reason).toBe(`terminated job=${jobId} outcome=failed failure=runner_interrupted`);
    expect(there.gitlab.job(jobId)).toMatchObject({ status: 'failed', failureReason: 'runner_interrupted' });
  });

  it('reports its job as interrupted when EC2 takes the host back', async (test) => {
    const there = await world(test);
    const jobId = there.run('echo begun; sleep 300');
    const machine = await there.boot();
    await isRunning(there, jobId, 'begun');
    machine.interrupt();
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe(`spot-interruption job=${jobId} outcome=failed failure=runner_interrupted`);
    expect(shutdowns).toEqual(['-h now']);
    expect(there.gitlab.job(jobId)).toMatchObject({ status: 'failed', failureReason: 'runner_interrupted' });
    expect(there.gitlab.runners()).toHaveLength(1);
    expect(machine.filesWith(there.token)).toEqual([]);
  });

  it('leaves a job whose image is pulled to the control plane, which ends it and has it retried', async (test) => {
    const { gitlab, run, boot } = await world(test);
    const registry = await silentRegistry(test);
    const jobId = run('echo begun', `, image: '${registry.image}'`);
    const machine = await boot({
      // The 30 s after which the runner ends, ten times faster.
      runnerProgram: `env ${timeScaleVariable}=0.1 ${runnerProgram}`,
      settings: { executor: 'docker', runnerSettings: { docker: { image: 'alpine:3' } } },
    });
    await registry.asked;
    const interruptedAt = new Date().toISOString();
    machine.interrupt();
    const { reason, shutdowns, log } = await machine.ended;
    expect(reason).toBe(`spot-interruption job=${jobId} outcome=unknown`);
    expect(shutdowns).toEqual(['-h now']);
    expect(log).toContain('shutdown timed out');
    expect(gitlab.job(jobId).status).toBe('running');

    const { projectId } = gitlab.job(jobId);
    const takenJob = jobKeyOf({ projectId, jobId });
    const served = { takenJob, profile: 'default', interruptedAt };
    const control = createGitLab({ url: gitlab.url, token: async () => adminToken });
    const ports = {
      gitlab: control,
      store: inMemoryRunnersStore(),
      marks: inMemoryRetryMarks(),
      retriedProfiles: ['default'],
      misplacedRetriedProfiles: [],
    };
    for (const { id } of gitlab.runners()) await control.removeRunner(id);
    await mendJob({ job: takenJob, attempt: 1, hostGone: true, served }, ports, lambdaContext());
    expect(gitlab.jobs().map(({ status, retried }) => [status, retried])).toEqual([
      ['canceled', true],
      ['pending', false],
    ]);
  });

  it('runs jobs of the shell executor with the umask of any service, and no signal ignored', async (test) => {
    const { gitlab, run, boot } = await world(test);
    const jobId = run('umask; touch made; stat -c "%a" made .; grep SigIgn /proc/self/status');
    const machine = await boot();
    await machine.ended;
    expect(gitlab.jobTrace(jobId)).toMatch(/ 0022\n.* 644\n.* 755\n.*SigIgn:\t0{16}\n/);
  });

  it('lets no job begin when EC2 takes the idle host back', async (test) => {
    const { gitlab, token, boot } = await world(test);
    const machine = await boot();
    await expect.poll(() => gitlab.runners()[0]?.systemIds).toEqual(['s_56789abcdef0']);
    machine.interrupt();
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('spot-interruption');
    expect(shutdowns).toEqual(['-h now']);
    expect(gitlab.runners()).toEqual([]);
    expect(machine.filesWith(token)).toEqual([]);
  });
});
