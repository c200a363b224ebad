import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';

/** A job that holds its first host, and ends well on its second; of a profile that retries interrupted jobs. */
const victim = (mark: string, before = '') => {
  const script = `test -e '${mark}' || { touch '${mark}'; ${before}sleep 240; }`;
  return `integration tests: { tags: [integration], script: ["${script}", echo survived] }`;
};

export function interruptions(world: () => World): void {
  const inState = async (what: string, id: number, status: string) =>
    world().until(what, () => world().job(id).status === status && world().job(id));
  /** The job that took another one's place. */
  const retryOf = (job: { readonly id: number; readonly name: string; readonly pipelineId: number }) =>
    world().until('the retry of the interrupted job', () =>
      world()
        .run.gitlab.jobs()
        .find(({ id, name, pipelineId }) => pipelineId === job.pipelineId && name === job.name && id > job.id),
    );

  it('runs 20 jobs over three profiles, one of them interrupted and retried on on-demand capacity', async () => {
    const mark = join(world().run.options.folder, 'interrupted');
    const jobs = world().startPipeline(
      [
        'quick: { tags: [aws], parallel: 10, script: [echo quick] }',
        'big: { tags: [aws, big], parallel: 9, script: [echo big] }',
        victim(mark),
      ].join('\n'),
    );
    expect(jobs).toHaveLength(20);
    const interrupted = jobs.find(({ name }) => name === 'integration tests');
    if (!interrupted) throw new Error('the pipeline has no such job');
    await inState('the job to run', interrupted.id, 'running');
    const { instanceId = '' } = await world().untilState(interrupted, 'RUNNING');
    await world().run.instances.interrupt(instanceId);

    expect(await inState('the host to report the interruption', interrupted.id, 'failed')).toMatchObject({
      failureReason: 'runner_interrupted',
    });
    const retry = await retryOf(interrupted);
    const others = jobs.filter(({ id }) => id !== interrupted.id);
    const over = await world().untilOver(retry, ...others);
    expect(over.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'success'));
    expect(world().run.gitlab.jobTrace(retry.id)).toContain('survived');
    expect(await world().itemOf(retry)).toMatchObject({ profile: 'large', onDemandOnly: true, attempt: 1 });
    expect((await world().itemOf(interrupted))?.interruptedAt).toBeDefined();
    const ofThatName = world()
      .run.gitlab.jobs()
      .filter(({ name, pipelineId }) => name === interrupted.name && pipelineId === interrupted.pipelineId);
    expect(ofThatName).toHaveLength(2);
    await world().untilNothingIsLeft();
  });

  it('has a job retried of which its runner told nothing in time, and GitLab would wait for it', async () => {
    // As while an image is pulled, the runner cannot end the job within its 30 s.
    const [job] = world().startPipeline(victim(join(world().run.options.folder, 'deaf'), "trap '' TERM; "));
    if (!job) throw new Error('the pipeline has no job');
    await inState('the job to run', job.id, 'running');
    const { instanceId = '' } = await world().untilState(job, 'RUNNING');
    await world().until('the job to be deaf', () => world().run.gitlab.jobTrace(job.id).includes('test -e'));
    await world().run.instances.interrupt(instanceId);

    await inState('the job to be canceled', job.id, 'canceled');
    const [over] = await world().untilOver(await retryOf(job));
    expect(over?.status).toBe('success');
    await world().untilNothingIsLeft();
  });

  it('cancels a job whose host died without a word, which GitLab would wait for', async () => {
    const [job] = world().startPipeline('widowed: { tags: [aws, big], script: [sleep 240] }');
    if (!job) throw new Error('the pipeline has no job');
    await inState('the job to run', job.id, 'running');
    const { instanceId = '' } = await world().untilState(job, 'RUNNING');
    await world().run.instances.kill(instanceId);

    await inState('the job to be canceled', job.id, 'canceled');
    await world().untilNothingIsLeft();
  });
}
