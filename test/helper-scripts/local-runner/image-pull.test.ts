import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { gitlabOf, registerRunner } from '../local-gitlab/gitlab-under-test.ts';
import { silentRegistry } from './registry.server.ts';
import { bundleForTests, scratchFolder, startStandIn } from './stand-in-run.ts';

let scratch: ReturnType<typeof scratchFolder>;
let bundle: string;

beforeAll(async () => {
  scratch = scratchFolder();
  bundle = await bundleForTests(scratch.path);
});
afterAll(() => scratch.dispose());

/** A runner with the docker executor whose job's image is being pulled. */
async function pulling(test: TestContext, scale = 0.1) {
  const registry = await silentRegistry(test);
  const gitlab = await gitlabOf(test);
  const project = gitlab.createProject('group/app');
  const { token } = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
  const folder = mkdtempSync(join(scratch.path, 'host-'));
  const settings = { url: gitlab.url, token, name: 'one', executor: 'docker', builds_dir: `${folder}/builds` };
  const toml = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  writeFileSync(`${folder}/config.toml`, `[[runners]]\n${toml.join('\n')}\n`);
  gitlab.createPipeline(project.id, `job: { image: '${registry.image}', tags: [aws], script: [echo begun; sleep 60] }`);
  const args = ['--log-format', 'json', 'run-single', '-c', `${folder}/config.toml`, '-r', 'one', '--max-builds', '1'];
  const runner = startStandIn({ bundle, folder, scale, args });
  await registry.asked;
  const job = () => {
    const [only] = gitlab.jobs();
    if (!only) throw new Error('the pipeline has no job');
    return only;
  };
  return { gitlab, registry, runner, job };
}

describe.concurrent('a runner that pulls the image of its job', () => {
  it('heeds no SIGTERM, ends after 30 s and leaves GitLab in the belief that the job runs', async (test) => {
    const { runner, job } = await pulling(test);
    runner.kill('SIGTERM');
    const { exitCode, elapsedMs, log } = await runner.ended;
    expect(exitCode).toBe(1);
    expect(elapsedMs).toBeGreaterThan(3_000);
    expect(log.at(-1)).toContain('shutdown timed out');
    expect(log.join('\n')).not.toContain('Job failed');
    expect(job()).toMatchObject({ status: 'running', failureReason: null });
  });

  it('reports its job as interrupted when the pull ends in time', async (test) => {
    const { registry, runner, gitlab, job } = await pulling(test);
    runner.kill('SIGTERM');
    registry.answer(200);
    expect((await runner.ended).exitCode).toBe(0);
    expect(job()).toMatchObject({ status: 'failed', failureReason: 'runner_interrupted' });
    expect(gitlab.jobTrace(job().id)).not.toContain('begun');
  });

  it('notices with its next update that the job is canceled', async (test) => {
    const { runner, gitlab, job } = await pulling(test);
    gitlab.cancelJob(job().id);
    expect(job().status).toBe('canceling');
    expect((await runner.ended).exitCode).toBe(0);
    expect(job().status).toBe('canceled');
  });

  it('fails a job whose image is not to be had', async (test) => {
    const { registry, runner, gitlab, job } = await pulling(test);
    registry.answer(404);
    await runner.ended;
    expect(job()).toMatchObject({ status: 'failed', failureReason: 'runner_system_failure' });
    expect(gitlab.jobTrace(job().id)).toContain(`failed to pull image "${registry.image}"`);
  });
});
