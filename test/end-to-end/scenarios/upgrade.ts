import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { JobView } from '../../../helper-scripts/local-gitlab/job-view.ts';
import type { World } from '../world.ts';
import { deployedData } from './deployed-data.ts';
import { takeCapacity } from './missing-capacity.ts';

const pauseMilliseconds = 2_000;
/** However slow the machine is, it has no more to do than this. */
const mostJobsAtOnce = 4;

/**
 * Deploys this version over an older one, app by app, while a pipeline starts every few seconds: whatever is deployed,
 * some jobs wait, some hosts boot, and events and workflows are under way. Beside them jobs that have a runner of the
 * older version and outlive the upgrade, and one that waits for capacity until it is over.
 */
export function upgrade(world: () => World): void {
  it('loses no job, whatever the older version had begun', async (context) => {
    const { run } = world();
    if (!run.options.olderApps) {
      context.skip('UPGRADE NOT TESTED: the history of this checkout does not reach back to the older version');
    }
    const dataBefore = deployedData(run.options.folder);
    const mark = join(run.options.folder, 'upgraded');
    const untilUpgraded = `script: ["until test -e '${mark}'; do sleep 0.2; done"]`;
    const giveBack = await takeCapacity(world(), 'm7a.2xlarge,m7i.2xlarge');
    const old = world().startPipeline(
      [
        `running on lambda: { tags: [aws], ${untilUpgraded} }`,
        `running on ec2: { tags: [aws, big], ${untilUpgraded} }`,
        'integration tests: { tags: [integration], script: [echo up] }',
      ].join('\n'),
    );
    const [onLambda, onEc2, withoutCapacity] = old;
    if (!onLambda || !onEc2 || !withoutCapacity) throw new Error('the pipeline lacks jobs');
    await world().until('both jobs to run', () =>
      [onLambda, onEc2].every(({ id }) => world().job(id).status === 'running'),
    );
    await world().untilState(withoutCapacity, 'REGISTERED');

    const upgraded = new AbortController();
    const stream = startJobsUntil(upgraded.signal, world());
    await run.aws.enforceIam(false);
    await run.upgrade((line) => /cdk deploy/.test(line) && console.log(`upgrade: ${line}`));
    await run.aws.enforceIam(true);
    upgraded.abort();
    const during = await stream;
    writeFileSync(mark, '');
    await giveBack();

    const after = world().startPipeline('after: { tags: [aws, big], script: [echo up] }');
    const jobs = await world().withPasses(async () => {
      const over = await world().untilOver(...old, ...during, ...after);
      await world().untilNothingIsLeft();
      return over;
    });
    expect(jobs.filter(({ status }) => status !== 'success')).toEqual([]);
    expect(during.length).toBeGreaterThan(10);

    const data = deployedData(run.options.folder);
    expect(dataBefore.size).toBeGreaterThan(10);
    for (const [id, { type, indexes }] of dataBefore) {
      expect(data.get(id)?.type, `${id} keeps its data`).toBe(type);
      const now = data.get(id)?.indexes ?? [];
      const changed = [...indexes, ...now].filter((name) => !indexes.includes(name) || !now.includes(name));
      // CloudFormation makes or deletes one index of a table in a deploy.
      expect(changed.length, `indexes of ${id} that come or go: ${changed.join()}`).toBeLessThanOrEqual(1);
    }
  });
}

/** A pipeline with a job for each type, again and again as jobs end; all their jobs, in the end. */
async function startJobsUntil(signal: AbortSignal, world: World): Promise<readonly JobView[]> {
  const jobs: JobView[] = [];
  while (!signal.aborted) {
    await sleep(pauseMilliseconds, undefined, { signal }).catch(() => {});
    const unfinished = jobs.filter(({ id }) => ['pending', 'running'].includes(world.job(id).status));
    if (unfinished.length + 2 > mostJobsAtOnce) continue;
    const seconds = jobs.length % 7;
    jobs.push(
      ...world.startPipeline(
        [
          `on lambda: { tags: [aws], script: [sleep ${seconds}] }`,
          `on ec2: { tags: [aws, big], script: [sleep ${seconds}] }`,
        ].join('\n'),
      ),
    );
  }
  return jobs;
}
