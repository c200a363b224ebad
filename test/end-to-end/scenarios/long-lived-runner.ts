import { expect, it } from 'vitest';
import { systemIdOf } from '../../../autoscaler/runner-store/runner-manager.ts';
import type { World } from '../world.ts';

export function longLivedRunner(world: () => World): void {
  it('gives each job a host of its own, removes the hosts alone, and keeps the runner', async (test) => {
    const { gitlab, longLivedRunnerId, runner } = world().run;
    test.skip(
      runner.kind === 'real',
      'the profile has the docker executor: our stand-in does without docker, the real runner not',
    );
    const names = ['one', 'two'];
    const yaml = names.map(
      (name) => `long-lived ${name}: { tags: [long-lived], script: [sleep 3, echo from-${name}] }`,
    );
    const started = world().startPipeline(yaml.join('\n'));
    await world().until('both jobs to run', () => started.every(({ id }) => world().job(id).status === 'running'));
    const hosts = gitlab.runners().find(({ id }) => id === longLivedRunnerId)?.systemIds ?? [];
    expect(hosts).toHaveLength(2);

    const jobs = await world().untilOver(...started);
    await world().untilNothingIsLeft();
    expect(jobs.map(({ status, runnerId }) => [status, runnerId])).toEqual(
      names.map(() => ['success', longLivedRunnerId]),
    );
    for (const [index, { id }] of jobs.entries()) expect(gitlab.jobTrace(id)).toContain(`from-${names[index]}`);
    const items = (await world().run.readItems()).filter(({ managerOf }) => managerOf === longLivedRunnerId);
    expect(items.map(({ takenJob }) => takenJob).sort()).toEqual(
      jobs.map(({ projectId, id }) => `job#${projectId}#${id}`).sort(),
    );
    expect(items.map(({ instanceId = '' }) => systemIdOf(instanceId)).sort()).toEqual([...hosts].sort());
    expect(gitlab.runners()).toMatchObject([{ id: longLivedRunnerId, paused: false, systemIds: [] }]);
  });

  it('says of a job with tags that the runner has not that it would never run, and launches nothing', async () => {
    const [job] = world().startPipeline('never: { tags: [long-lived, gpu], script: [echo never] }');
    if (!job) throw new Error('the pipeline has no job');
    const { waitsFor, instanceId } = await world().untilState(job, 'WAITING');
    expect(waitsFor).toMatchObject({ error: 'LongLivedRunnerError' });
    expect(waitsFor?.message).toContain("tags gpu are not among the runner's");
    expect(instanceId).toBeUndefined();
    world().run.gitlab.cancelJob(job.id);
    await world().untilNothingIsLeft();
  });
}
