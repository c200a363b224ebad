import { fewestPlaces } from '../../autoscaler/runner-store/wide-caps.ts';
import { jobMapping } from '../support/builders.ts';
import { withLies } from './generate-lies.ts';
import { withPipelines } from './generate-pipelines.ts';
import { createRandom, type Random, seedOf } from './random.ts';
import {
  type Fault,
  type FaultKind,
  type HookStatus,
  isCapped,
  lambdaNames,
  type PlannedJob,
  projectIds,
  type Schedule,
  type Settings,
  type Trouble,
} from './schedule.ts';

const hookStatuses: readonly HookStatus[] = ['created', 'pending', 'running', 'finished'];
const tagSets = [[], ['docker'], ['docker', 'large'], ['large'], ['job-only']] as const;

/**
 * A third of the schedules up to here go without the reconciler. In others the event-driven parts leave, very rarely
 * and though nothing goes wrong, a job behind whose idle runner served another one or ended: the reconciler finds it
 * within minutes.
 */
const lastSeedWithoutReconciler = 2_100;

/** One schedule in so many is calm: nothing goes wrong in it, and no job may wait long. */
const calmEvery = 7;

/** In one schedule in so many the hosts of a profile work for a runner that a user made. */
const longLivedEvery = 11;

/** In one schedule in so many EC2 takes spot instances back whose jobs are to be retried. */
const interruptedEvery = 13;
const interruptedFrom = 5;

/** In one schedule in so many functions belong to one project each, fail, and have a fallback. */
const fallbackEvery = 17;
const fallbackFrom = 3;

/** In one schedule in so many, hooks tell of what was, or of what never came to be. */
const staleEvery = 19;
const staleFrom = 7;

/** In one schedule in so many, of whatever kind it is else, hooks lie. */
const lyingEvery = 23;
const lyingFrom = 19;

/** In one schedule in so many, pipelines of one project overlap whose jobs fit each other's runners. */
const pipelinesEvery = 8;

/** In one schedule in so many the deployment has a wide cap. */
const wideCapEvery = 4;

/** In one schedule in so many there is trouble that is no runner's fault, of up to half an hour. */
const troubledEvery = 10;
const troubledFrom = 7;

/** The schedule of a seed: a small random scenario, and what goes wrong in it. */
export function generateSchedule(
  seed: number,
  withReconciler = seed % 3 !== 0 || seed > lastSeedWithoutReconciler,
): Schedule {
  const schedule = withoutLies(seed, withReconciler);
  return seed % lyingEvery === lyingFrom ? withLies(schedule, createRandom(seedOf(seed, 'lies'))) : schedule;
}

function withoutLies(seed: number, withReconciler: boolean): Schedule {
  const schedule = withWideCap(withPolls(withRarities(ordinarySchedule(seed, withReconciler))));
  if (seed % longLivedEvery !== 0) return schedule;
  const random = createRandom(seedOf(seed, 'long-lived'));
  const settings = withLongLivedRunner(schedule.settings, random);
  return { ...schedule, settings, jobs: random.chance(0.75) ? inStages(schedule.jobs, random) : schedule.jobs };
}

/** What few deployments use, in schedules of its own, so that all others stay as they are. */
function withRarities(schedule: Schedule): Schedule {
  const { seed } = schedule;
  if (seed % troubledEvery === troubledFrom) return withTroubles(schedule, createRandom(seedOf(seed, 'troubles')));
  if (seed % interruptedEvery === interruptedFrom)
    return withInterruptions(schedule, createRandom(seedOf(seed, 'interruptions')));
  if (seed % staleEvery === staleFrom) return withStaleWords(schedule, createRandom(seedOf(seed, 'stale words')));
  if (seed % fallbackEvery === fallbackFrom) return withFallback(schedule, createRandom(seedOf(seed, 'fallback')));
  if (seed % pipelinesEvery === 0) return withPipelines(schedule, createRandom(seedOf(seed, 'pipelines')));
  return schedule;
}

/** A cap that no schedule reaches, and that is counted in shards: it changes nothing else. */
function withWideCap(schedule: Schedule): Schedule {
  const { seed, settings } = schedule;
  const isWide = seed % wideCapEvery === 0 && settings.maxConcurrent === undefined;
  return isWide ? { ...schedule, settings: { ...settings, maxConcurrent: fewestPlaces } } : schedule;
}

/** How runners ask for jobs, which no other number of a schedule depends on. */
function withPolls(schedule: Schedule): Schedule {
  const longPolls = createRandom(seedOf(schedule.seed, 'polls')).chance(0.5);
  return { ...schedule, settings: { ...schedule.settings, longPolls } };
}

function ordinarySchedule(seed: number, withReconciler: boolean): Schedule {
  const random = createRandom(seedOf(seed, 'schedule'));
  const settings = settingsOf(random, withReconciler);
  if (seed % calmEvery === 0) return { seed, settings: withoutCaps(settings), jobs: mixedUpJobs(random), faults: [] };
  const ordinary = jobsOf(random, settings);
  // One after the other, under a cap, some would wait for longer than GitLab lets them.
  const jobs = isCapped(settings) ? ordinary : withLongJobs(ordinary, createRandom(seedOf(seed, 'long jobs')));
  const kinds = withReconciler ? [...mildFaults, ...harshFaults] : mildFaults;
  const count = random.chance(0.1) ? 0 : random.whole(1, random.chance(0.3) ? 14 : 5);
  const faults = Array.from({ length: count }, (_, index): Fault => ({ index, ...random.pick(kinds)(random, jobs) }));
  return { seed, settings, jobs, faults: faults.filter((fault) => isBearable(fault, settings)) };
}

/**
 * Whether the event-driven parts must bear a fault alone. A runner whose maker died before it wrote down the runner's
 * id is found by the reconciler only. A runner that took a job of which nobody heard seems to be free for another job.
 * When the end of a job names no runner, who took it is known from the `running` event alone, which then must come
 * before the end.
 */
function isBearable(fault: Fault, { reconciler, writesLate }: Settings): boolean {
  if (reconciler) return true;
  switch (fault.kind) {
    case 'lambda-crashed':
      return !['bindRunner', 'registerRunner'].includes(fault.lambda);
    case 'lambda-refused':
    case 'answer-lost':
      return fault.lambda !== 'bindRunner';
    case 'hook-delayed':
      return fault.status !== 'running';
    case 'event-delayed':
    case 'write-throttled':
    case 'index-stale':
      return !writesLate;
    case 'hook-stale':
      return isOnlyAsked(fault);
    default:
      return true;
  }
}

/** Whether a fault is a word that is only a reason to ask GitLab, and that costs no more than the asking. */
export function isOnlyAsked(fault: FaultKind): boolean {
  if (fault.kind !== 'hook-stale') return false;
  return ['as-created', 'as-running', 'pipeline-runs'].includes(fault.how) && fault.status !== 'running';
}

function settingsOf(random: Random, reconciler: boolean): Settings {
  const capOfProfile = random.chance(0.3) ? { maxConcurrent: random.whole(1, 3) } : {};
  const capOfMapping = random.chance(0.2) ? { maxConcurrent: random.whole(1, 2) } : {};
  return {
    reconciler,
    maxAttempts: random.whole(2, 4),
    maxConcurrent: random.chance(0.4) ? random.whole(1, 4) : undefined,
    profiles: {
      default: { type: 'EC2', timeoutMinutes: 30, ...capOfProfile },
      large: { type: 'EC2', timeoutMinutes: 60 },
      shell: {
        type: 'LAMBDA',
        timeoutMinutes: 13,
        functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:shell',
      },
    },
    onDemand: random.pick(['never', 'fallback', 'always']),
    mappings: [
      jobMapping({ ...capOfMapping }),
      jobMapping({ jobName: 'lint', target: { type: 'LAMBDA', profile: 'shell' } }),
      jobMapping({ jobName: '*', tags: ['large'], target: { type: 'EC2', profile: 'large' } }),
      jobMapping({ jobName: 'elsewhere', target: { type: 'IGNORE' } }),
    ],
    // Nobody but the reconciler notices that an earlier job has not been started for too long.
    ...(reconciler ? {} : { exact: 'off' as const }),
    cancelsAtOnce: random.chance(0.5),
    writesLate: random.chance(0.5),
  };
}

/** One mapping, or all that go to EC2, get a profile whose hosts work for one runner. */
function withLongLivedRunner(settings: Settings, random: Random): Settings {
  const profile = 'shared';
  const isAll = random.chance(0.7);
  const mappings = settings.mappings.map((mapping) =>
    mapping.target.type === 'EC2' && (isAll || mapping.tags.length > 0)
      ? { ...mapping, target: { type: 'EC2', profile } as const }
      : mapping,
  );
  const cap = random.chance(0.3) && isCapped(settings) ? { maxConcurrent: random.whole(1, 3) } : {};
  return {
    ...settings,
    profiles: { ...settings.profiles, [profile]: { type: 'EC2', timeoutMinutes: 30, longLived: true, ...cap } },
    mappings,
    longLived: {
      profile,
      tags: random.pick([['docker', 'large'], ['docker', 'large', 'job-only'], ['docker']]),
      runUntagged: random.chance(0.9),
      projectIds: random.chance(0.7) ? null : [projectIds[0]],
      // A description proves nothing: this may be how ours begin.
      description: random.pick(['of all teams', 'ci of all teams']),
      hasOtherHost: random.chance(0.5),
    },
  };
}

function jobsOf(random: Random, { reconciler, writesLate }: Settings): PlannedJob[] {
  const shortestSeconds = reconciler || !writesLate ? 2 : 30;
  // Jobs that look alike are those whose runners get mixed up.
  const alike = random.chance(0.6);
  const tags = random.pick(tagSets);
  const mixed = random.pick([['build'], ['build', 'lint'], ['lint'], ['build', 'test', 'lint', 'elsewhere']]);
  // A job that is left to others, or runners of two types for the same tags: jobs change their runners most.
  const names = reconciler ? mixed : mixed.slice(0, 1);
  return Array.from({ length: random.whole(1, random.chance(0.2) ? 12 : 5) }, (_, index) => {
    const createdAt = random.chance(0.6) ? 0 : random.whole(0, 300);
    const pendingAt = random.chance(0.06) ? null : createdAt + (random.chance(0.7) ? 0 : random.whole(1, 240));
    const durationSeconds = random.chance(0.1) ? random.whole(300, 700) : random.whole(shortestSeconds, 120);
    return {
      index,
      projectId: alike ? projectIds[0] : random.pick(projectIds),
      name: random.pick(names),
      tags: alike ? tags : random.pick(tagSets),
      createdAt,
      pendingAt,
      durationSeconds,
      result: random.chance(0.8) ? 'success' : 'failed',
      canceledAt: random.chance(0.2) ? createdAt + random.whole(0, 150) : null,
      retried: random.chance(0.1),
    };
  });
}

/** Some instances are taken back, and in every other schedule nothing else goes wrong. */
function withInterruptions(schedule: Schedule, random: Random): Schedule {
  const { settings, jobs } = schedule;
  const others = random.chance(0.5) ? [] : schedule.faults;
  const first = Math.max(0, ...others.map(({ index }) => index + 1));
  // Where EC2 takes nearly all of them, it also takes one that has the retry of an interrupted job.
  const takesMost = random.chance(0.4);
  const interruptions = Array.from(
    { length: takesMost ? 9 : random.whole(1, 5) },
    (_, index): Fault => ({
      index: first + index,
      kind: 'spot-interrupted',
      nth: takesMost ? index + 1 : random.whole(1, 6),
      seconds: random.whole(0, 90),
      isNoticed: random.chance(0.8),
    }),
  );
  return {
    ...schedule,
    settings: {
      ...settings,
      reconciler: true,
      onDemand: random.pick(['never', 'fallback']),
      retriedProfiles: random.pick([
        ['default', 'large', 'shared'],
        ['default', 'shared'],
      ]),
    },
    jobs: jobs.map((job) => (random.chance(0.5) ? { ...job, durationSeconds: random.whole(40, 200) } : job)),
    faults: [...others, ...interruptions],
  };
}

/**
 * Hooks that say `created` or `running` of a job that waits, `created` of one that does not and whose pipeline runs,
 * and any word that is not true, beside the right ones. GitLab's answers may lag just then. In every other schedule
 * nothing else goes wrong.
 */
function withStaleWords(schedule: Schedule, random: Random): Schedule {
  const { jobs, settings } = schedule;
  const others = random.chance(0.5) ? [] : schedule.faults;
  const words = jobs.flatMap(({ index, pendingAt }): FaultKind[] => {
    const stale = (status: HookStatus, how: 'as-created' | 'as-running' | 'pipeline-runs'): FaultKind => ({
      kind: 'hook-stale',
      job: index,
      status,
      how,
    });
    return [
      ...(random.chance(0.6) ? [stale('pending', random.pick(['as-created', 'as-created', 'as-running']))] : []),
      ...(random.chance(0.3) ? [stale('created', 'pipeline-runs')] : []),
      ...(random.chance(0.3) && pendingAt !== null
        ? [{ kind: 'gitlab-lagging', from: pendingAt, seconds: random.whole(1, 4) } as const]
        : []),
    ];
  });
  const isEasy = random.chance(0.5);
  const untrue = Array.from(
    { length: isEasy ? 0 : random.whole(1, 4) },
    (): FaultKind => ({
      kind: 'hook-untrue',
      job: jobOf(random, jobs),
      status: random.pick([...hookStatuses, 'finished']),
      seconds: random.pick([0, 1, 5, 20, 90]),
    }),
  );
  const first = Math.max(0, ...others.map(({ index }) => index + 1));
  const added = [...words, ...untrue].map((fault, index): Fault => ({ index: first + index, ...fault }));
  return {
    ...schedule,
    settings: others.length === 0 ? withoutCaps(settings) : settings,
    faults: [...others, ...added],
  };
}

/**
 * GitLab, AWS or our own configuration is in the way for a while, and in two of three schedules nothing else goes
 * wrong.
 */
function withTroubles(schedule: Schedule, random: Random): Schedule {
  const others = random.chance(0.67) ? [] : schedule.faults;
  const first = Math.max(0, ...others.map(({ index }) => index + 1));
  const settings = random.chance(0.6) ? withoutCaps(schedule.settings) : schedule.settings;
  const troubles = Array.from(
    { length: random.whole(1, random.chance(0.3) ? 4 : 2) },
    (_, index): Fault => ({ index: first + index, ...random.pick(makeTroubles)(random, schedule.jobs) }),
  );
  const faults = [...others, ...troubles];
  const concurrency = random.chance(0.3) ? { lambdaLimit: random.pick([10, 12, 20]) } : {};
  return { ...schedule, settings: { ...settings, ...concurrency, reconciler: true }, faults };
}

/** What goes to functions is kept apart by project, and has somewhere else to go when its functions fail. */
function withFallback(schedule: Schedule, random: Random): Schedule {
  const { settings, jobs, faults } = schedule;
  const { shell, ...profiles } = settings.profiles;
  const first = Math.max(0, ...faults.map(({ index }) => index + 1));
  const failures = Array.from(
    { length: random.whole(1, 3) },
    (_, index): Fault => ({ index: first + index, kind: 'function-failed', nth: random.whole(1, 4) }),
  );
  return {
    ...schedule,
    settings: {
      ...settings,
      reconciler: true,
      profiles: shell ? { ...profiles, shell: { ...shell, isolateProjects: true } } : profiles,
      mappings: settings.mappings.map((mapping) =>
        mapping.target.type === 'LAMBDA'
          ? { ...mapping, target: { ...mapping.target, fallbackProfile: random.pick(['default', 'large']) } }
          : mapping,
      ),
    },
    // A function would be cut off.
    jobs: jobs.map((job) => (job.durationSeconds < 600 && random.chance(0.6) ? { ...job, name: 'lint' } : job)),
    faults: [...faults, ...failures],
  };
}

/** Jobs that begin when another one ends: just when the hosts of that one are looked for and ended. */
function inStages(jobs: readonly PlannedJob[], random: Random): readonly PlannedJob[] {
  return jobs.map((job, index) => {
    const before = jobs[random.whole(0, Math.max(0, index - 1))];
    if (index === 0 || !before || job.pendingAt === null || random.chance(0.4)) return job;
    // Created by then, so that it is there when the other one ends.
    return { ...job, createdAt: before.createdAt, after: [before.index] };
  });
}

/** Whoever waits until one of these ends waits far too long. What goes to functions would be cut off. */
function withLongJobs(jobs: readonly PlannedJob[], random: Random): readonly PlannedJob[] {
  if (random.chance(0.6) || jobs.some(({ name }) => name === 'lint')) return jobs;
  return jobs.map((job) => (random.chance(0.5) ? { ...job, durationSeconds: random.whole(1_200, 1_700) } : job));
}

function withoutCaps(settings: Settings): Settings {
  const profiles = Object.entries(settings.profiles).map(([name, { maxConcurrent: _, ...profile }]) => [name, profile]);
  return {
    ...settings,
    maxConcurrent: undefined,
    profiles: Object.fromEntries(profiles) as Settings['profiles'],
    mappings: settings.mappings.map(({ maxConcurrent: _, ...mapping }) => mapping),
  };
}

/**
 * Jobs that can take each other's runners, many of them long, which wait one after the other: also some that are none
 * of ours.
 */
function mixedUpJobs(random: Random): PlannedJob[] {
  const tags = random.pick([[[]], [['docker'], ['docker', 'large']], [['job-only'], ['docker', 'job-only']]]);
  const names = random.pick([['build'], ['build', 'elsewhere'], ['build', 'test', 'elsewhere']]);
  return Array.from({ length: random.whole(2, 8) }, (_, index) => ({
    index,
    projectId: projectIds[0],
    name: random.pick(names),
    tags: random.pick(tags),
    createdAt: 0,
    pendingAt: random.whole(0, 60),
    durationSeconds: random.chance(0.5) ? random.whole(1_200, 1_700) : random.whole(2, 120),
    result: 'success',
    canceledAt: random.chance(0.1) ? random.whole(60, 150) : null,
    retried: false,
  }));
}

type MakeFault = (random: Random, jobs: readonly PlannedJob[]) => FaultKind;

const jobOf = (random: Random, jobs: readonly PlannedJob[]) => random.whole(0, jobs.length - 1);
const nthOf = (random: Random) => random.whole(1, random.chance(0.5) ? 4 : 15);

/** What the event-driven parts must bear alone: nothing is lost for good. */
const mildFaults: readonly MakeFault[] = [
  (random, jobs) => ({
    kind: 'hook-repeated',
    job: jobOf(random, jobs),
    status: random.pick(hookStatuses),
    seconds: random.pick([0, 3, 60]),
  }),
  (random, jobs) => ({
    kind: 'hook-delayed',
    job: jobOf(random, jobs),
    status: random.pick(hookStatuses),
    seconds: random.pick([2, 10, 60, 200]),
  }),
  (random, jobs) => ({
    kind: 'hook-stale',
    job: jobOf(random, jobs),
    status: random.pick(['running', 'finished']),
    how: random.pick(['wrong-runner', 'no-runner']),
  }),
  (random) => ({ kind: 'event-repeated', nth: nthOf(random) }),
  (random) => ({ kind: 'event-delayed', nth: nthOf(random), seconds: random.pick([2, 10, 60, 300]) }),
  (random) => ({ kind: 'archive-replayed', at: random.whole(10, 900) }),
  (random) => ({ kind: 'workflow-repeated', nth: nthOf(random) }),
  (random) => crash(random),
  (random) => crash(random),
  (random) => ({ kind: 'lambda-refused', lambda: random.pick(lambdaNames), nth: random.whole(1, 5) }),
  (random) => ({ kind: 'answer-lost', lambda: random.pick(lambdaNames), nth: random.whole(1, 5) }),
  (random) => ({
    kind: random.pick(['no-capacity', 'no-spot']),
    from: random.chance(0.5) ? 0 : random.whole(0, 120),
    seconds: random.pick([5, 30, 120, 300]),
  }),
  (random) => ({ kind: 'boot-slow', nth: nthOf(random), seconds: random.whole(30, 100) }),
  (random) => ({ kind: 'message-repeated', nth: nthOf(random) }),
  (random) => ({ kind: random.pick(['write-conflict', 'write-throttled']), nth: random.whole(1, 30) }),
  (random) => ({ kind: 'index-stale', from: random.whole(0, 200), seconds: random.whole(1, 60) }),
  (random) => ({ kind: 'launch-refused', from: random.whole(0, 120), seconds: random.pick([5, 60]) }),
  (random) => ({ kind: 'function-repeated', nth: nthOf(random) }),
];

/** What only the reconciler can mend. */
const harshFaults: readonly MakeFault[] = [
  (random) => ({ kind: 'gitlab-lagging', from: random.whole(0, 100), seconds: random.whole(1, 4) }),
  (random, jobs) => ({ kind: 'hook-lost', job: jobOf(random, jobs), status: random.pick(hookStatuses) }),
  (random, jobs) => ({ kind: 'hook-lost', job: jobOf(random, jobs), status: random.pick(hookStatuses) }),
  (random) => ({ kind: 'hooks-lost', from: random.whole(0, 300), seconds: random.pick([5, 60, 600]) }),
  (random, jobs) => ({
    kind: 'hook-stale',
    job: jobOf(random, jobs),
    status: random.pick(['pending', 'running']),
    how: random.pick(['as-created', 'as-running']),
  }),
  (random) => ({ kind: 'event-lost', nth: nthOf(random) }),
  (random) => ({ kind: 'workflow-died', nth: nthOf(random), task: random.whole(1, 8) }),
  (random) => ({
    kind: random.pick(['gitlab-down', 'gitlab-answers-lost'] as const),
    from: random.chance(0.5) ? random.whole(0, 6) : random.whole(0, 300),
    seconds: random.pick([3, 15, 60, 300]),
  }),
  (random) => ({ kind: 'describe-missed', nth: random.whole(1, 20) }),
  (random) => ({ kind: 'no-capacity', from: random.whole(0, 120), seconds: 1_200 }),
  (random) => ({ kind: 'describe-stale', from: random.whole(0, 300), seconds: random.whole(20, 300) }),
  (random) => ({ kind: 'boot-slow', nth: nthOf(random), seconds: random.whole(100, 900) }),
  (random) => ({ kind: random.pick(['boot-dead', 'claim-lost']), nth: nthOf(random) }),
  (random) => ({
    kind: random.pick(['spot-reclaimed', 'host-killed']),
    nth: nthOf(random),
    seconds: random.whole(0, 100),
  }),
  (random) => ({ kind: 'function-failed', nth: nthOf(random) }),
  (random) => ({ kind: 'function-killed', nth: nthOf(random), seconds: random.whole(0, 60) }),
  (random) => ({ kind: 'write-unanswered', nth: random.whole(1, 40) }),
  (random) => ({ kind: random.pick(['pass-lost', 'pass-repeated']), nth: nthOf(random) }),
  (random) => ({
    kind: random.pick(['runner-removed', 'runner-paused']),
    nth: nthOf(random),
    seconds: random.whole(0, 90),
  }),
];

/** Often just when a job asks for its runner. */
function soon(random: Random, jobs: readonly PlannedJob[]): number {
  const pendingAt = random.pick(jobs)?.pendingAt ?? 0;
  return random.chance(0.5) ? pendingAt + random.whole(0, 12) : random.whole(0, 200);
}

const makeTroubles: readonly ((random: Random, jobs: readonly PlannedJob[]) => Trouble)[] = [
  // While a runner that was just started asks for its job.
  (random, jobs) => ({
    kind: 'gitlab-down',
    from: (random.pick(jobs)?.pendingAt ?? 0) + random.whole(1, 10),
    seconds: random.whole(20, 45),
  }),
  (random, jobs) => ({
    kind: 'gitlab-down',
    from: soon(random, jobs),
    seconds: random.pick([1, 5, 20, 60, 180, 600, 1_800]),
  }),
  (random, jobs) => ({
    kind: 'gitlab-down',
    from: soon(random, jobs),
    seconds: random.whole(1, random.chance(0.5) ? 100 : 1_800),
  }),
  (random, jobs) => ({
    kind: 'calls-limited',
    from: soon(random, jobs),
    seconds: random.pick([60, 300, 1_200]),
    most: random.whole(3, 30),
  }),
  (random, jobs) => ({
    kind: 'runners-limited',
    from: soon(random, jobs),
    seconds: random.pick([60, 300, 1_800]),
    most: random.whole(0, 3),
  }),
  (random, jobs) => ({ kind: 'token-refused', from: soon(random, jobs), seconds: random.pick([0, 5, 40, 300, 1_800]) }),
  (random, jobs) => ({
    kind: 'instances-limited',
    from: soon(random, jobs),
    seconds: random.pick([60, 300, 1_800]),
    most: random.whole(0, 3),
  }),
  (random, jobs) => ({ kind: 'lambda-throttled', from: soon(random, jobs), seconds: random.pick([2, 20, 90, 600]) }),
  (random, jobs) => ({
    kind: 'functions-throttled',
    from: soon(random, jobs),
    seconds: random.pick([20, 200, 400, 1_200]),
  }),
  (random, jobs) => ({ kind: 'tables-busy', from: soon(random, jobs), seconds: random.pick([5, 60, 300]) }),
  (random, jobs) => ({ kind: 'mapping-wrong', from: soon(random, jobs), seconds: random.pick([20, 200, 1_500]) }),
];

function crash(random: Random): FaultKind {
  return {
    kind: 'lambda-crashed',
    // Where a crash can lose something for good, it strikes more often.
    lambda: random.chance(0.3) ? random.pick(['registerRunner', 'launchInstances']) : random.pick(lambdaNames),
    nth: random.whole(1, 5),
    call: random.whole(1, random.chance(0.5) ? 3 : 8),
    moment: random.pick(['before', 'after']),
  };
}
