import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';
import { withoutCapacity } from './missing-capacity.ts';

/** Each takes ten seconds at most: what happened is noticed at once, and no scenario waits for the reconciler. */
export function endedByHand(world: () => World): void {
  const startOne = (yaml: string) => {
    const [job] = world().startPipeline(yaml);
    if (!job) throw new Error('the pipeline has no job');
    return job;
  };
  const terminate = (instanceId = '') =>
    new EC2Client(world().run.clientOptions()).send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

  it('gives a waiting job another runner when somebody deletes its own in GitLab', async () => {
    const { gitlab } = world().run;
    // Without a host the runner waits as long as we like.
    const job = await withoutCapacity(world(), async () => {
      const waiting = startOne('bereft: { tags: [aws, big], script: [echo served] }');
      const { runnerId } = await world().untilState(waiting, 'REGISTERED');
      const answer = await fetch(`${gitlab.url}/api/v4/runners/${runnerId}`, {
        method: 'DELETE',
        headers: { 'private-token': gitlab.adminToken },
      });
      expect(answer.status).toBe(204);
      return waiting;
    });
    expect((await world().untilOver(job))[0]).toMatchObject({ status: 'success' });
    await world().untilNothingIsLeft();
    expect((await world().itemOf(job))?.attempt).toBeGreaterThan(1);
  });

  it('gives a waiting job another instance when somebody terminates its own before it took the job', async () => {
    const job = startOne('robbed: { tags: [aws, big], script: [echo served] }');
    const { instanceId } = await world().untilState(job, 'LAUNCHED');
    await terminate(instanceId);
    expect((await world().untilOver(job))[0]).toMatchObject({ status: 'success' });
    await world().untilNothingIsLeft();
    expect((await world().itemOf(job))?.instanceId).not.toBe(instanceId);
  });

  it('cancels a job whose instance somebody terminates, which GitLab would wait for', async () => {
    const job = startOne('cut short: { tags: [aws, big], script: [sleep 240] }');
    await world().until('the job to run', () => world().job(job.id).status === 'running');
    const { instanceId } = await world().untilState(job, 'RUNNING');
    await terminate(instanceId);
    expect((await world().untilOver(job))[0]).toMatchObject({ status: 'canceled' });
    await world().untilNothingIsLeft();
  });
}
