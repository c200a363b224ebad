import { expect, it } from 'vitest';
import type { World } from '../world.ts';

export function cancellation(world: () => World): void {
  it('removes the runner of a job that is canceled while it waits', async () => {
    const [job] = world().startPipeline('doomed: { tags: [aws, big], script: [echo never] }');
    if (!job) throw new Error('the pipeline has no job');
    const { instanceId } = await world().untilState(job, 'LAUNCHED');
    world().run.gitlab.cancelJob(job.id);
    await world().untilNothingIsLeft();

    expect(instanceId).toMatch(/^i-/);
    expect(await world().itemOf(job)).toMatchObject({ state: 'RELEASED', jobState: 'FINISHED' });
    expect(world().run.gitlab.jobTrace(job.id)).toBe('');
  });

  it('lets a runner finish the job that it took meanwhile, although its own was canceled', async () => {
    const { gitlab } = world().run;
    const [doomed] = world().startPipeline('own job: { tags: [aws, big], script: [echo never] }');
    if (!doomed) throw new Error('the pipeline has no job');
    const { runnerId } = await world().untilState(doomed, 'LAUNCHED');
    // From here on we learn of nothing in time: the cancellation and the other job come late.
    const late = gitlab.faults.addWebhook({ effect: { kind: 'delay', milliseconds: 4_000 } });
    gitlab.cancelJob(doomed.id);
    const [taken] = world().startPipeline('other job: { tags: [aws, big], script: [sleep 8, echo to-the-end] }');
    if (!taken) throw new Error('the pipeline has no job');
    await world().until('the runner to take the other job', () => world().job(taken.id).status === 'running');
    expect(world().job(taken.id).runnerId).toBe(runnerId);

    expect((await world().untilOver(taken))[0]).toMatchObject({ status: 'success' });
    gitlab.faults.clear(late);
    expect(gitlab.jobTrace(taken.id)).toContain('to-the-end');
    expect(await world().itemOf(doomed)).toMatchObject({ takenJob: `job#${taken.projectId}#${taken.id}` });
    await world().untilNothingIsLeft();
  });
}
