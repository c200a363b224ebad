import { expect, it } from 'vitest';
import { jobHook, type World } from '../world.ts';

export function duplicatesAndOrder(world: () => World): void {
  it('makes exactly one runner from five copies of one pending event at once', async () => {
    const { gitlab } = world().run;
    const drop = gitlab.faults.addWebhook({ statuses: ['pending'], effect: { kind: 'drop' } });
    const [job] = world().startPipeline('five times: { tags: [aws, big], script: [sleep 1] }');
    if (!job) throw new Error('the pipeline has no job');
    const seenRunners = new Set<number>();
    const stopListening = setInterval(() => {
      for (const { id } of world().runners()) seenRunners.add(id);
    }, 20);

    const answers = await Promise.all(Array.from({ length: 5 }, () => world().sendHook(jobHook(job, 'pending'))));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect((await world().untilOver(job))[0]).toMatchObject({ status: 'success' });
    await world().untilNothingIsLeft();
    clearInterval(stopListening);
    gitlab.faults.clear(drop);

    expect(seenRunners.size).toBe(1);
    expect(await world().itemOf(job)).toMatchObject({ attempt: 1, state: 'RELEASED' });
  });

  it('changes nothing when `created` arrives after the job has finished, or `pending` does', async () => {
    const [job] = world().startPipeline('late events: { tags: [aws], script: [echo once] }');
    if (!job) throw new Error('the pipeline has no job');
    await world().untilOver(job);
    await world().untilNothingIsLeft();
    const before = await world().itemOf(job);

    expect((await world().sendHook(jobHook(job, 'created'))).status).toBe(200);
    expect((await world().sendHook(jobHook(job, 'pending'))).status).toBe(202);
    expect((await world().sendHook(jobHook(job, 'running'))).status).toBe(202);
    // A job of its own goes through the whole path behind them, so that they had their time.
    await world().untilOver(...world().startPipeline('behind them: { tags: [aws], script: [echo later] }'));
    await world().untilNothingIsLeft();

    expect(await world().itemOf(job)).toEqual(before);
  });
}
