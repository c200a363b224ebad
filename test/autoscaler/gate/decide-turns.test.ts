import { describe, expect, it } from 'vitest';
import { testStart } from '../../support/builders.ts';
import { gatedRunner, goesOf, lineJob, turnsOf } from './line-builders.ts';

const shell = { profile: 'shell' };
const others = { profile: null, isComing: false };

describe('who may ask', () => {
  it('are as many runners as there are first jobs of one profile, and no more', () => {
    const jobs = [lineJob(1), lineJob(2), lineJob(3, shell), lineJob(4), lineJob(5, shell)];
    const runners = jobs.map(({ id, profile }) => gatedRunner(id, { profile: profile as string }));
    const turns = turnsOf({ jobs, runners });
    expect(goesOf(turns)).toEqual({ 'runner-1': 1, 'runner-2': 2 });
    expect(turns.go.map(({ passes }) => passes)).toEqual([null, null]);
    expect(turns.turns).toEqual({ 'runner-1': 1, 'runner-2': 2 });
  });

  it('are runners of other profiles only once those that may ask have their jobs', () => {
    const runners = [gatedRunner(1, { turn: 1 }), gatedRunner(3, shell)];
    expect(turnsOf({ jobs: [lineJob(1), lineJob(3, shell)], runners }).go).toEqual([]);
    expect(goesOf(turnsOf({ jobs: [lineJob(3, shell)], runners: [gatedRunner(3, shell)] }))).toEqual({ 'runner-3': 3 });
  });

  it('is nobody while the first job is left to others, and runners that it does not fit are not kept by it', () => {
    const jobs = [lineJob(1, others), lineJob(2), lineJob(3, { tags: ['other'] })];
    const runners = [gatedRunner(2), gatedRunner(3, { tags: ['other'] })];
    expect(goesOf(turnsOf({ jobs, runners }))).toEqual({ 'runner-3': 3 });
  });

  it('counts earlier jobs with some of its tags, and untagged ones only for runners without tags', () => {
    const jobs = [lineJob(1, { ...shell, tags: ['aws'] }), lineJob(2, { ...shell, tags: [] }), lineJob(3)];
    expect(turnsOf({ jobs: jobs.slice(0, 1), runners: [gatedRunner(3, { tags: ['aws', 'big'] })] }).go).toEqual([]);
    expect(goesOf(turnsOf({ jobs: jobs.slice(1), runners: [gatedRunner(3)] }))).toEqual({ 'runner-3': 3 });
    const untagged = gatedRunner(4, { tags: [] });
    expect(
      turnsOf({ jobs: [lineJob(2, { ...shell, tags: [] }), lineJob(4, { tags: [] })], runners: [untagged] }).go,
    ).toEqual([]);
  });

  it('prefers the runner whose host is there, and then the job’s own', () => {
    const jobs = [lineJob(1), lineJob(5, shell)];
    const ready = gatedRunner(4, { isReady: true });
    expect(goesOf(turnsOf({ jobs, runners: [gatedRunner(1), ready] }))).toEqual({ 'runner-4': 1 });
    expect(goesOf(turnsOf({ jobs, runners: [gatedRunner(0), gatedRunner(1)] }))).toEqual({ 'runner-1': 1 });
  });

  it('does not let a job go twice while its runner may yet ask for it', () => {
    // Job 1 is not in the line any more, but nobody has heard that its runner took it.
    const jobs = [lineJob(1), lineJob(2), lineJob(3, shell), lineJob(4)];
    const runners = [gatedRunner(1, { turn: 1 }), gatedRunner(2, { turn: 2 }), gatedRunner(4)];
    expect(turnsOf({ jobs, runners }).go).toEqual([]);
  });

  it('writes down the next job of its run for a runner whose own job another one took', () => {
    const jobs = [lineJob(1), lineJob(3, shell)];
    const turns = turnsOf({ jobs, runners: [gatedRunner(2, { turn: 2 }), gatedRunner(3, shell)] });
    expect(turns).toMatchObject({ go: [], hold: [], turns: { 'runner-2': 1 } });
  });

  it('lets nobody go whose host nobody starts, and holds again who may ask and is not started', () => {
    const jobs = [lineJob(1), lineJob(2, shell)];
    expect(turnsOf({ jobs, runners: [gatedRunner(1, { isStuck: true })] }).go).toEqual([]);
    expect(turnsOf({ jobs, runners: [gatedRunner(1, { isStuck: true, turn: 1 })] }).hold).toEqual(['runner-1']);
  });
});

describe('a job with a lower id that comes late', () => {
  const jobs = [lineJob(1, shell), lineJob(2), lineJob(3)];

  it('holds again whoever might take it', () => {
    const runners = [gatedRunner(2, { turn: 2 }), gatedRunner(3, { turn: 3 }), gatedRunner(1, shell)];
    const turns = turnsOf({ jobs, runners });
    expect(turns.hold).toEqual(['runner-3', 'runner-2']);
    expect(goesOf(turns)).toEqual({ 'runner-1': 1 });
  });

  it('holds as many as must be when it comes between theirs', () => {
    const between = [lineJob(2), lineJob(3, shell), lineJob(4)];
    const runners = [gatedRunner(2, { turn: 2 }), gatedRunner(4, { turn: 4 })];
    expect(turnsOf({ jobs: between, runners }).hold).toEqual(['runner-4']);
    const claimed = [gatedRunner(2, { turn: 2 }), gatedRunner(4, { turn: 4, canBeHeld: false })];
    expect(turnsOf({ jobs: between, runners: claimed })).toMatchObject({
      hold: ['runner-2'],
      turns: { 'runner-4': 2 },
    });
  });

  it('cannot hold a runner that has its token: it is named, and nobody else goes', () => {
    const runners = [gatedRunner(2, { turn: 2, canBeHeld: false }), gatedRunner(1, shell)];
    expect(turnsOf({ jobs, runners })).toMatchObject({ hold: [], go: [], outOfTurn: ['runner-2'] });
  });
});

describe('a job that nobody starts', () => {
  const jobs = [lineJob(1, others), lineJob(2)];
  const runner = gatedRunner(2, { exact: 60 });

  it('is waited for as long as the row says, and then passed', () => {
    const first = turnsOf({ jobs, runners: [runner] });
    expect(first).toMatchObject({ go: [], stuck: { 1: testStart } });
    expect(turnsOf({ jobs, runners: [runner], stuck: first.stuck }, 59).go).toEqual([]);
    const last = turnsOf({ jobs, runners: [runner], stuck: first.stuck }, 60);
    expect(last.go).toEqual([{ key: 'runner-2', jobId: 2, passes: 1 }]);
    expect(last.stuck).toEqual(first.stuck);
  });

  it('is waited for as long by a job that comes later, and for ever where the row says "always"', () => {
    const stuck = { 1: testStart };
    const late = [lineJob(1, others), lineJob(2, { waitsSince: testStart + 50_000 })];
    expect(turnsOf({ jobs: late, runners: [runner], stuck }, 100).go).toEqual([]);
    expect(goesOf(turnsOf({ jobs: late, runners: [runner], stuck }, 110))).toEqual({ 'runner-2': 2 });
    expect(turnsOf({ jobs, runners: [gatedRunner(2, { exact: 'always' })], stuck }, 100_000).go).toEqual([]);
  });

  it('is not waited for after another one: their times go on side by side', () => {
    const two = [lineJob(1, others), lineJob(2, { ...others, profile: 'shell' }), lineJob(3)];
    const last = gatedRunner(3, { exact: 60 });
    const { stuck } = turnsOf({ jobs: two, runners: [last] });
    expect(stuck).toEqual({ 1: testStart, 2: testStart });
    expect(goesOf(turnsOf({ jobs: two, runners: [last], stuck }, 60))).toEqual({ 'runner-3': 3 });
  });

  it('is not waited for while its runner is being started, however long that takes, and its time begins anew', () => {
    const coming = [lineJob(1, shell), lineJob(2)];
    const turns = turnsOf({ jobs: coming, runners: [runner], stuck: { 1: testStart } }, 10_000);
    expect(turns).toMatchObject({ go: [], stuck: {} });
  });

  it('is named with those that wait for it', () => {
    expect(turnsOf({ jobs, runners: [runner], stuck: { 1: testStart } }, 20).holds).toEqual([
      { profile: 'default', tags: ['aws'], behind: 1, of: null, stuckSince: testStart },
    ]);
  });
});

describe('places under caps', () => {
  it('are given back by the last held runner that keeps an earlier job from one', () => {
    const cap = 'cap#deployment';
    const jobs = [lineJob(1, { ...shell, isComing: false, wantsPlaces: [cap] }), lineJob(2), lineJob(3)];
    const runners = [gatedRunner(2, { places: [cap] }), gatedRunner(3, { places: [cap] })];
    expect(turnsOf({ jobs, runners }).givePlaceBack).toEqual(['runner-3']);
    expect(turnsOf({ jobs, runners: [gatedRunner(2, { places: ['cap#other'] })] }).givePlaceBack).toEqual([]);
  });

  it('are given back by a runner that this decision holds, for which no other look might come', () => {
    const jobs = [lineJob(1, { ...shell, isComing: false, wantsPlaces: ['cap#deployment'] }), lineJob(2)];
    const turns = turnsOf({ jobs, runners: [gatedRunner(2, { turn: 2, places: ['cap#deployment'] })] });
    expect(turns).toMatchObject({ hold: ['runner-2'], givePlaceBack: ['runner-2'], go: [] });
    expect(turns).toMatchObject({ holds: [{ behind: 1, stuckSince: testStart }], stuck: { 1: testStart } });
  });
});

describe('a runner for protected refs alone', () => {
  const deploy = { profile: 'deploy', isForProtected: true };
  const own = { profile: 'deploy', isProtected: true };

  it('waits for no job that GitLab never gives it', () => {
    const jobs = [lineJob(1), lineJob(2, own)];
    expect(goesOf(turnsOf({ jobs, runners: [gatedRunner(2, deploy)] }))).toEqual({ 'runner-2': 2 });
    const mixed = [lineJob(1, { isProtected: true }), lineJob(2, own)];
    expect(turnsOf({ jobs: mixed, runners: [gatedRunner(2, deploy)] }).go).toEqual([]);
  });

  it('does not count jobs of its profile that GitLab never gives it', () => {
    const jobs = [lineJob(1, { profile: 'deploy' }), lineJob(2, own), lineJob(3, { isProtected: true })];
    const runners = [gatedRunner(1, deploy), gatedRunner(2, deploy)];
    expect(turnsOf({ jobs, runners }).go).toHaveLength(1);
  });

  it('takes none from runners whose jobs are not protected', () => {
    const jobs = [lineJob(1), lineJob(2, { ...own, profile: 'shell' }), lineJob(3, own)];
    const runners = [gatedRunner(1), gatedRunner(3, { ...deploy, turn: 3, canBeHeld: false })];
    expect(goesOf(turnsOf({ jobs, runners }))).toEqual({ 'runner-1': 1 });
  });

  it('asks first about refs of earlier jobs of which nobody knows whether they are protected', () => {
    const unsure = { unsure: { ref: 'release', profileIfProtected: 'default' } };
    const runners = [gatedRunner(2, deploy)];
    const early = [lineJob(1, unsure), lineJob(2, own)];
    expect(turnsOf({ jobs: early, runners }).unsureRefs).toEqual(['release']);
    const late = [lineJob(2, own), lineJob(3, unsure), lineJob(1, { ...unsure, tags: ['other'] })];
    expect(turnsOf({ jobs: late, runners }).unsureRefs).toEqual([]);
    expect(turnsOf({ jobs: early, runners: [gatedRunner(2)] }).unsureRefs).toEqual([]);
  });
});

describe('a job that is of another profile when its ref is protected', () => {
  it('is asked about before a runner goes for it, or past it', () => {
    const unsure = { unsure: { ref: 'main', profileIfProtected: 'deploy' } };
    const jobs = [lineJob(1, unsure), lineJob(2)];
    expect(turnsOf({ jobs, runners: [gatedRunner(2)] }).unsureRefs).toEqual(['main']);
    expect(turnsOf({ jobs: [lineJob(1, shell)], runners: [gatedRunner(2)] }).unsureRefs).toEqual([]);
  });
});
