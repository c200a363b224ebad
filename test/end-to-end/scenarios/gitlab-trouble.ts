import { expect, it } from 'vitest';
import type { RouteFault } from '../../../helper-scripts/local/gitlab/faults.ts';
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
}
