import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { JobChangeView } from '../../../helper-scripts/local-gitlab/job-view.ts';
import type { LocalGitLab } from '../../../helper-scripts/local-gitlab/local-gitlab.ts';
import { gitlabUnderTest, hookReceiver, pipelineOf } from './gitlab-under-test.ts';

function nextChange(gitlab: LocalGitLab, fits: (change: JobChangeView) => boolean): Promise<JobChangeView> {
  return new Promise((resolve) => {
    const stop = gitlab.onJobChange((change) => {
      if (!fits(change)) return;
      stop();
      resolve(change);
    });
  });
}

describe('the shared runner', () => {
  it('takes jobs that fit it and lets them succeed, and leaves others alone', async () => {
    const receiver = await hookReceiver();
    const sharedRunner = { tags: ['shared'], runUntagged: true, delayMs: 10, durationMs: 10 };
    const gitlab = await gitlabUnderTest({ sharedRunner, webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const end = nextChange(gitlab, ({ job, to }) => job.name === 'tagged' && to === 'success');
    gitlab.createPipeline(project.id, pipelineOf({ plain: [], ours: ['aws'], tagged: ['shared'] }));
    await end;
    await gitlab.settleWebhooks();
    expect(gitlab.jobs().map(({ name, status, runnerDescription }) => [name, status, runnerDescription])).toEqual([
      ['plain', 'success', 'shared-runner'],
      ['ours', 'pending', null],
      ['tagged', 'success', 'shared-runner'],
    ]);
    expect(receiver.received.find(({ event }) => event.build_status === 'running')?.event.runner).toMatchObject({
      description: 'shared-runner',
      is_shared: true,
    });
    expect(gitlab.runners()).toEqual([]);
  });

  it('takes nothing while it is paused, and what waits once it is not', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    const { runnerId } = gitlab.sharedRunner({ tags: ['shared'], runUntagged: true, delayMs: 10, durationMs: 10 });
    const pause = (paused: boolean) =>
      fetch(`${gitlab.url}/api/v4/runners/${runnerId}`, {
        method: 'PUT',
        headers: { 'private-token': gitlab.adminToken, 'content-type': 'application/json' },
        body: JSON.stringify({ paused }),
      });
    expect(await pause(true)).toMatchObject({ status: 200 });
    gitlab.createPipeline(project.id, pipelineOf({ plain: [] }));
    await sleep(100);
    expect(gitlab.jobs().map(({ status }) => status)).toEqual(['pending']);

    const end = nextChange(gitlab, ({ to }) => to === 'success');
    expect(await pause(false)).toMatchObject({ status: 200 });
    await end;
  });

  it('lets go of a job that is cancelled', async () => {
    const gitlab = await gitlabUnderTest();
    const project = gitlab.createProject('group/app');
    gitlab.createPipeline(project.id, pipelineOf({ plain: [] }));
    const running = nextChange(gitlab, ({ to }) => to === 'running');
    gitlab.sharedRunner({ tags: [], runUntagged: true, delayMs: 1, durationMs: 60_000 });
    const { job } = await running;
    const end = nextChange(gitlab, ({ to }) => to === 'canceled');
    gitlab.cancelJob(job.id);
    expect((await end).from).toBe('canceling');
  });
});
