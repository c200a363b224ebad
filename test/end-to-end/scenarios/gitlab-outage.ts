import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { attemptsUsed } from '../../../autoscaler/runner-store/runner-item.ts';
import type { World } from '../world.ts';

/** Longer than any of our retries, and than a host waits for its job. */
const outageMilliseconds = 180_000;

export function gitlabOutage(world: () => World): void {
  /** The longest scenario: its three minutes are GitLab's absence, in which this machine has time for other tests. */
  it('finishes what ran and what waited when GitLab is away for three minutes in the middle of a pipeline', async () => {
    const { gitlab, options } = world().run;
    const mark = join(options.folder, 'gitlab-is-back');
    const script = `script: ["until test -e '${mark}'; do sleep 0.2; done", echo done]`;
    const running = world().startPipeline(
      `on functions: { tags: [aws], parallel: 3, ${script} }\non instances: { tags: [aws, big], parallel: 7, ${script} }`,
    );
    await world().until('ten jobs to run', () => running.every(({ id }) => world().job(id).status === 'running'));
    const waiting = world().startPipeline(
      `on functions: { tags: [aws], parallel: 2, script: [echo done] }\non instances: { tags: [aws, big], parallel: 18, script: [echo done] }`,
    );
    await gitlab.settleWebhooks();
    await gitlab.goDown();
    await sleep(outageMilliseconds);
    await gitlab.comeBack();
    writeFileSync(mark, '');

    const all = [...running, ...waiting];
    const over = await world().withPasses(async () => {
      const ended = await world().untilOver(...all);
      await world().untilNothingIsLeft();
      return ended;
    });
    expect(over.map(({ name, status }) => [name, status])).toEqual(all.map(({ name }) => [name, 'success']));
    for (const { id } of over) expect(gitlab.jobTrace(id)).toContain('done');
    for (const job of all) {
      const item = await world().itemOf(job);
      // Their runners may have served each other's jobs, some before these had one of their own, and none failed.
      expect(item?.failure).toBeUndefined();
      expect(item && attemptsUsed(item)).toBeLessThanOrEqual(1);
    }
  });
}
