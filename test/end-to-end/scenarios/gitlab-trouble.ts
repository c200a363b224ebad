import { expect, it } from 'vitest';
import { attemptsUsed } from '../../../autoscaler/runner-store/runner-item.ts';
import type { RouteFault } from '../../../helper-scripts/local-gitlab/faults.ts';
import type { World } from '../world.ts';

type Effect = RouteFault['effect'];

const troubles: readonly (readonly [string, Effect, number])[] = [
  ['answers 429 with Retry-After', { kind: 'respond', status: 429, headers: { 'Retry-After': '2' } }, 2],
  ['answers 500', { kind: 'respond', status: 500 }, 2],
  ['never answers', { kind: 'hang' }, 1],
];

export function gitlabTrouble(world: () => World): void {
  it.each(troubles)('survives a GitLab that %s', async (_name, effect, times) => {
    const { gitlab } = world().run;
    const calls: Omit<RouteFault, 'effect'>[] = [
      { method: 'GET', path: '/api/v4/projects/*/jobs/*', times },
      { method: 'POST', path: '/api/v4/user/runners', times },
      { method: 'PUT', path: '/api/v4/runners/*', times },
      { method: 'DELETE', path: '/api/v4/runners/*', times },
    ];
    const faults = calls.map((call) => gitlab.faults.addRoute({ ...call, effect }));
    const jobs = world().startPipeline('patient: { tags: [aws, big], script: [echo made-it] }');
    expect(await world().untilOver(...jobs)).toMatchObject([{ status: 'success' }]);
    await world().untilNothingIsLeft();
    for (const fault of faults) gitlab.faults.clear(fault);
  });

  /** Every function has the old token in its memory when it ends; the wrong one is stored first. */
  it('lets jobs wait as long as its access token is refused, and serves them once the right one is stored', async () => {
    const { gitlab } = world().run;
    const rotated = 'not-a-real-token-of-the-local-gitlab-after-its-rotation';
    const store = (token: string) => world().run.cli(['secret', 'gitlab-token'], token);
    gitlab.rotateAccessToken(gitlab.adminToken, rotated);
    await store('not-a-real-token-and-a-wrong-one');
    const jobs = world().startPipeline(
      'on a function: { tags: [aws], script: [echo ran] }\non an instance: { tags: [aws, big], script: [echo ran] }',
    );
    for (const job of jobs) {
      const { waitsFor } = await world().untilState(job, 'WAITING');
      expect(waitsFor).toMatchObject({ error: 'GitLabTokenRefusedError' });
    }
    await store(rotated);
    const over = await world().withPasses(() => world().untilOver(...jobs));
    expect(over.map(({ status }) => status)).toEqual(['success', 'success']);
    for (const job of jobs) {
      const item = await world().itemOf(job);
      // None when the other one's runner took it while it waited.
      expect(item && attemptsUsed(item)).toBeLessThanOrEqual(1);
    }
    await world().untilNothingIsLeft();
    gitlab.rotateAccessToken(rotated, gitlab.adminToken);
    await store(gitlab.adminToken);
  });
}
