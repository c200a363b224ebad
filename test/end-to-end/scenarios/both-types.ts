import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';

const pipeline = `
on lambda: { tags: [aws], script: [echo from-a-function, test -z "$AWS_ACCESS_KEY_ID"] }
on ec2: { tags: [aws, big], script: [echo from-an-instance] }
failing on ec2: { tags: [aws, big], script: [exit 7] }
failing on lambda: { tags: [aws], script: [exit 3] }
`;

export function bothTypes(world: () => World): void {
  it('runs a good and a failing job on functions and on instances, and leaves nothing', async () => {
    const jobs = world().startPipeline(pipeline);
    const [onLambda, onEc2, failingOnEc2, failingOnLambda] = await world().untilOver(...jobs);

    expect(onLambda).toMatchObject({ status: 'success' });
    expect(onEc2).toMatchObject({ status: 'success' });
    expect(failingOnEc2).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 7 });
    expect(failingOnLambda).toMatchObject({ status: 'failed', failureReason: 'script_failure', exitCode: 3 });
    expect(world().run.gitlab.jobTrace(onLambda?.id ?? 0)).toContain('from-a-function');
    expect(world().run.gitlab.jobTrace(onEc2?.id ?? 0)).toContain('from-an-instance');
    await world().untilNothingIsLeft();
  });

  it('ends silent jobs that their user cancels while they run', async () => {
    const jobs = world().startPipeline(
      ['on lambda: { tags: [aws], script: [sleep 240] }', 'on ec2: { tags: [aws, big], script: [sleep 240] }'].join(
        '\n',
      ),
    );
    await world().until('both jobs to run', () => jobs.every(({ id }) => world().job(id).status === 'running'));
    // A runner hears of it at its next word to GitLab, of which a silent job gives no occasion: the real one speaks up
    // after half a minute.
    for (const { id } of jobs) world().run.gitlab.cancelJob(id);
    expect(await world().untilOver(...jobs)).toMatchObject([{ status: 'canceled' }, { status: 'canceled' }]);
    await world().untilNothingIsLeft();
  });

  it('notes which job each runner took, also when it was made for another one', async () => {
    const mark = join(world().run.options.folder, 'all-run');
    // None ends before all run: none may wait for the end of another, whoever took its runner.
    const script = `script: ["until test -e '${mark}'; do sleep 0.1; done"]`;
    const sameTags = Array.from({ length: 4 }, (_, index) => `same ${index}: { tags: [aws], ${script} }`);
    // GitLab forgets a job's runner when the runner is removed: listen while they run.
    const ranOn = new Map<number, number | null>();
    const stopListening = world().run.gitlab.onJobChange(({ to, job }) => {
      if (to === 'running') ranOn.set(job.id, job.runnerId);
    });
    const started = world().startPipeline(sameTags.join('\n'));
    await world().until('all jobs to run', () => ranOn.size === started.length);
    writeFileSync(mark, '');
    const jobs = await world().untilOver(...started);
    await world().untilNothingIsLeft();
    stopListening();

    const items = await world().run.readItems();
    for (const job of jobs) {
      const took = items.find(({ takenJob }) => takenJob === `job#${job.projectId}#${job.id}`);
      expect(took?.runnerId, `the runner of job ${job.id}`).toBe(ranOn.get(job.id));
    }
  });
}
