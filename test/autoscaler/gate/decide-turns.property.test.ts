import { describe, expect, it } from 'vitest';
import { fits, type GatedRunner, type LineJob } from '../../../autoscaler/gate/gate-line.ts';
import type { StuckJobs } from '../../../autoscaler/runner-store/gate-item.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { gatedRunner, lineJob, turnsOf } from './line-builders.ts';

const profiles = ['default', 'shell', 'large'] as const;
const apart = [[], ['a'], ['b']] as const;
const overlapping = [...apart, ['a', 'b'], ['c']] as const;

/** GitLab's side: who asks gets the first job of the line that fits. */
function handOut(jobs: LineJob[], runner: GatedRunner): LineJob | undefined {
  const job = jobs.find((one) => fits(one, runner));
  if (job) jobs.splice(jobs.indexOf(job), 1);
  return job;
}

function randomLine(random: Random, tagSets: Game['tagSets']): LineJob[] {
  const length = random.whole(1, 12);
  return Array.from({ length }, (_, index) =>
    lineJob(index + 1, {
      tags: random.pick(tagSets),
      ...(random.chance(0.1) ? { profile: null } : profileAndRef(random)),
    }),
  );
}

/** The profile `large` is for protected refs alone. */
function profileAndRef(random: Random) {
  const profile = random.pick(profiles);
  return { profile, isProtected: profile === 'large' || random.chance(0.3) };
}

const runnerOf = ({ id, tags, profile }: LineJob, isReady: boolean): GatedRunner[] =>
  profile === null
    ? []
    : [gatedRunner(id, { tags, profile, isReady, exact: 'always', isForProtected: profile === 'large' })];

type Game = { readonly hearsLate: boolean; readonly tagSets: readonly (readonly string[])[] };

/** Plays a line to its end; returns the jobs that ran on a runner of another profile, and those that never ran. */
function play(random: Random, { hearsLate, tagSets }: Game) {
  const jobs = randomLine(random, tagSets);
  let runners = jobs.flatMap((job) => runnerOf(job, random.chance(0.5)));
  let stuck: StuckJobs = {};
  const misplaced: string[] = [];
  /** Taken in GitLab, and nobody has heard it yet. */
  let unheard: { readonly runner: string; readonly job: LineJob }[] = [];
  for (let round = 0; round < 200 && runners.length > 0; round += 1) {
    const inFlight = unheard.map(({ job }) => job);
    const seen = [...jobs, ...inFlight.filter(({ id }) => runners.some(({ turn }) => turn === id))];
    const turns = turnsOf({ jobs: seen, runners, stuck });
    stuck = turns.stuck;
    runners = runners.map((runner) => ({ ...runner, turn: turns.turns[runner.key] ?? null }));
    const asking = runners.filter(
      ({ key, turn }) => turn !== null && !unheard.some(({ runner }) => runner === key) && random.chance(0.6),
    );
    for (const runner of asking.sort(() => random.next() - 0.5)) {
      const job = handOut(jobs, runner);
      if (!job) continue;
      if (job.profile !== runner.profile) misplaced.push(`${runner.key} of ${runner.profile} took ${job.id}`);
      unheard.push({ runner: runner.key, job });
    }
    // Others take theirs, sooner or later.
    const [foreign] = jobs.filter(({ profile }) => profile === null);
    if (foreign && random.chance(0.3)) jobs.splice(jobs.indexOf(foreign), 1);
    const heard = unheard.filter(() => !hearsLate || random.chance(0.5));
    unheard = unheard.filter((one) => !heard.includes(one));
    runners = runners.filter(({ key }) => !heard.some(({ runner }) => runner === key));
  }
  return { misplaced, left: jobs.filter(({ profile }) => profile !== null) };
}

const seeds = Array.from({ length: 3_000 }, (_, index) => index + 1);

describe.each([false, true])('runners that ask in any order, and are heard late: %s', (hearsLate) => {
  it('never take a job of another profile', () => {
    const wrong = seeds.filter(
      (seed) => play(createRandom(seed), { hearsLate, tagSets: overlapping }).misplaced.length > 0,
    );
    expect(wrong).toEqual([]);
  });

  it('leave no job, where tags do not overlap', () => {
    const wrong = seeds.filter((seed) => play(createRandom(seed), { hearsLate, tagSets: apart }).left.length > 0);
    expect(wrong).toEqual([]);
  });
});
