import { defaultExactSeconds } from '../../infrastructure/kit/exactness.ts';
import { jobMapping } from '../support/builders.ts';
import type { Random } from './random.ts';
import { type Fault, type FaultKind, type PlannedJob, projectIds, type Schedule, type Settings } from './schedule.ts';

/** Jobs of every profile, in one stage, that fit each other's runners: all of them, one way only, or without tags. */
const tagChoices: readonly (readonly (readonly string[])[])[] = [
  [['aws']],
  [['aws']],
  [[]],
  [['aws'], ['aws', 'large-disk']],
  [['aws'], []],
];
const names = ['build', 'pack', 'lint', 'elsewhere'] as const;

/**
 * Pipelines of one project that overlap, so that jobs become pending in another order than that of their ids: those of
 * later stages, those that need others, that somebody plays, that wait for their time or for a resource group, and that
 * are retried. The name says on which profile a job runs, or that it is left to others; a runner of somebody else may
 * take those. In every other schedule nothing goes wrong but that GitLab's replica stands still.
 */
export function withPipelines(schedule: Schedule, random: Random): Schedule {
  const others = random.chance(0.5) ? [] : schedule.faults;
  const first = Math.max(0, ...others.map(({ index }) => index + 1));
  const jobs = jobsOf(random);
  const faults = faultsOf(random).map((fault, index): Fault => ({ index: first + index, ...fault }));
  return { ...schedule, settings: settingsOf(schedule.settings, random), jobs, faults: [...others, ...faults] };
}

function settingsOf(settings: Settings, random: Random): Settings {
  const foreignRunner = {
    tags: random.pick([['aws', 'large-disk'], ['aws'], []]),
    runUntagged: random.chance(0.7),
    projectIds: null,
    description: 'of another team',
  };
  return {
    ...settings,
    reconciler: true,
    exact: defaultExactSeconds,
    mappings: [
      jobMapping({ ...settings.mappings[0], jobName: 'build' }),
      jobMapping({ jobName: 'pack', target: { type: 'EC2', profile: 'large' } }),
      jobMapping({ jobName: 'lint', target: { type: 'LAMBDA', profile: 'shell' } }),
      jobMapping({ jobName: 'elsewhere', target: { type: 'IGNORE' } }),
    ],
    ...(random.chance(0.6) ? { foreignRunner } : {}),
  };
}

function jobsOf(random: Random): readonly PlannedJob[] {
  const tags = random.pick(tagChoices);
  const mix = random.pick([names, ['build', 'lint'], ['build', 'pack'], ['lint', 'elsewhere'], ['build', 'elsewhere']]);
  const planned: PlannedJob[] = [];
  const pipelines = random.whole(1, 4);
  for (let pipeline = 1; pipeline <= pipelines; pipeline += 1) {
    const createdAt = random.whole(0, random.chance(0.5) ? 5 : 120);
    // The whole of it, or each job for itself.
    const canceledAt = random.chance(0.1) ? createdAt + random.whole(0, 150) : null;
    const firstIndex = planned.length;
    let before: readonly number[] = [];
    const stages = random.whole(1, 3);
    for (let stage = 0; stage < stages; stage += 1) {
      const earlier = planned.slice(firstIndex).map(({ index }) => index);
      const size = random.whole(1, 4);
      for (let nth = 0; nth < size; nth += 1) {
        planned.push({
          index: planned.length,
          projectId: projectIds[0],
          pipeline,
          name: random.pick(mix),
          tags: random.pick(tags),
          createdAt,
          pendingAt: createdAt,
          ...afterWhat(random, before, earlier),
          ...(random.chance(0.15)
            ? { held: { as: random.pick(['manual', 'scheduled'] as const), seconds: random.whole(1, 90) } }
            : {}),
          ...(random.chance(0.1) ? { resourceGroup: 'production' } : {}),
          durationSeconds: random.whole(2, 120),
          result: random.chance(0.8) ? 'success' : 'failed',
          canceledAt: canceledAt ?? (random.chance(0.15) ? createdAt + random.whole(0, 200) : null),
          retried: false,
          ...(random.chance(0.2) ? { retriedAfterSeconds: random.whole(1, 60) } : {}),
        });
      }
      before = planned.slice(firstIndex + earlier.length).map(({ index }) => index);
    }
  }
  return planned;
}

/** The whole stage before, some that it needs, or nothing. */
function afterWhat(random: Random, before: readonly number[], earlier: readonly number[]): Pick<PlannedJob, 'after'> {
  if (before.length === 0 || random.chance(0.1)) return {};
  if (random.chance(0.7)) return { after: before };
  return { after: [...new Set([random.pick(earlier), random.pick(earlier)])] };
}

function faultsOf(random: Random): readonly FaultKind[] {
  const lags = Array.from(
    { length: random.chance(0.5) ? 0 : random.whole(1, 4) },
    (): FaultKind => ({ kind: 'gitlab-lagging', from: random.whole(0, 240), seconds: random.whole(1, 4) }),
  );
  const passedOver = Array.from(
    { length: random.chance(0.7) ? 0 : random.whole(1, 2) },
    (): FaultKind => ({
      kind: 'candidate-passed-over',
      nth: random.whole(1, 12),
      how: random.pick(['locked', 'locked', 'dropped']),
    }),
  );
  return [...lags, ...passedOver];
}
