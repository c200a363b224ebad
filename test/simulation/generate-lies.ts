import { jobMapping } from '../support/builders.ts';
import type { Random } from './random.ts';
import {
  type Fault,
  type Lie,
  type PlannedJob,
  pathOf,
  projectIds,
  type Schedule,
  type Settings,
  strangersProject,
} from './schedule.ts';

const statuses = ['created', 'pending', 'pending', 'running', 'running', 'running', 'success', 'failed', 'canceled'];
const runners: readonly Lie['runner'][] = [
  'none',
  'the one it has',
  'the one made for it',
  'the one made for it',
  'the one made for it',
  'another',
  'another',
  'unknown',
];
const names = ['build', 'test', 'lint', 'elsewhere', 'deploy'];
const secretRef = 'release-1';

/**
 * Beside the true hooks, signed ones that are not: of any job, with any project, path, name, ref and runner. Some jobs
 * are of a project that is not ours, and some mappings are for one project or ref alone. In half of these schedules
 * nothing else goes wrong.
 */
export function withLies(schedule: Schedule, random: Random): Schedule {
  const others = random.chance(0.5) ? [] : schedule.faults;
  const jobs = [...schedule.jobs, ...jobsOfStrangers(schedule, random)];
  const first = Math.max(0, ...others.map(({ index }) => index + 1));
  const isSteady = random.chance(0.2);
  const lies = Array.from({ length: isSteady ? 1 : random.whole(2, 12) }, () => lie(jobs, random));
  const all = isSteady ? lies.flatMap((one) => repeated(one, random)) : lies;
  const replay = random.chance(0.15) ? [{ kind: 'archive-replayed', at: random.whole(10, 900) } as const] : [];
  return {
    ...schedule,
    settings: withNarrowMappings({ ...schedule.settings, reconciler: true }),
    jobs,
    faults: [...others, ...[...all, ...replay].map((fault, index): Fault => ({ index: first + index, ...fault }))],
  };
}

/** Who takes a hook's word for path or ref chooses these. */
function withNarrowMappings(settings: Settings): Settings {
  const target = { type: 'EC2', profile: 'large' } as const;
  return {
    ...settings,
    mappings: [
      ...settings.mappings,
      jobMapping({ id: 'by ref', jobName: 'build', ref: secretRef, target }),
      jobMapping({ id: 'by project', jobName: 'test', project: pathOf(projectIds[1]), target }),
      jobMapping({ id: 'of strangers', jobName: 'deploy', project: pathOf(strangersProject), target }),
    ],
  };
}

/** Nobody here starts these. A long-lived runner that its user made for all projects would take them. */
function jobsOfStrangers({ jobs, settings }: Schedule, random: Random): readonly PlannedJob[] {
  const [one] = jobs;
  if (!one || random.chance(0.5) || settings.longLived?.projectIds === null) return [];
  const index = Math.max(...jobs.map((job) => job.index)) + 1;
  const name = random.pick(['build', 'test', 'deploy']);
  const { after: _, held: __, resourceGroup: ___, retriedAfterSeconds: ____, ...plan } = one;
  return [{ ...plan, index, projectId: strangersProject, name, pendingAt: plan.createdAt, retried: false }];
}

function lie(jobs: readonly PlannedJob[], random: Random): Lie {
  const { index, pendingAt, createdAt } = random.pick(jobs);
  const isNext = random.chance(0.1);
  const moment = random.chance(0.15) ? random.whole(-30, -1) : random.pick([0, 2, 5, 10, 15, 20, 30, 60, 120]);
  return {
    kind: 'hook-lie',
    at: Math.max(0, (pendingAt ?? createdAt) + moment),
    job: isNext ? null : index,
    projectId: isNext || random.chance(0.2) ? random.pick([...projectIds, strangersProject]) : null,
    status: random.pick(statuses),
    runner: random.pick(runners),
    jobName: random.pick(names),
    path: random.pick([...projectIds, strangersProject].map(pathOf)),
    ref: random.pick(['main', secretRef]),
    since: random.pick(['now', 'long ago', 'far ahead']),
  };
}

/** Somebody who goes on and on. */
function repeated(one: Lie, random: Random): readonly Lie[] {
  const everySeconds = random.pick([2, 7, 20]);
  return Array.from({ length: 40 }, (_, nth) => ({ ...one, at: one.at + nth * everySeconds }));
}
