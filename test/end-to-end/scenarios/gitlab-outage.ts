import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';

/** As long as the restart of a small server. The running jobs end in it. */
const outageMilliseconds = 8_000;

export function gitlabOutage(world: () => World): void {
  /** Half a minute: the outage, the backoff of those who asked meanwhile, and the job that waited. */
  it('finishes what ran and what waited when GitLab restarts in the middle of a pipeline', async () => {
    const { gitlab, options } = world().run;
    const mark = join(options.folder, 'gitlab-is-down');
    const script = `script: ["until test -e '${mark}'; do sleep 0.2; done", echo done]`;
    const running = world().startPipeline(
      `on a function: { tags: [aws], ${script} }\non an instance: { tags: [aws, big], ${script} }`,
    );
    await world().until('both jobs to run', () => running.every(({ id }) => world().job(id).status === 'running'));
    const waiting = world().startPipeline('just asked for: { tags: [aws, big], parallel: 2, script: [echo done] }');
    await gitlab.settleWebhooks();
    await gitlab.goDown();
    writeFileSync(mark, '');
    await sleep(outageMilliseconds);
    await gitlab.comeBack();

    const over = await world().withPasses(async () => {
      const ended = await world().untilOver(...running, ...waiting);
      await world().untilNothingIsLeft();
      return ended;
    });
    expect(over.map(({ name, status }) => [name, status])).toEqual(
      [...running, ...waiting].map(({ name }) => [name, 'success']),
    );
    for (const { id } of over) expect(gitlab.jobTrace(id)).toContain('done');
  });
}
