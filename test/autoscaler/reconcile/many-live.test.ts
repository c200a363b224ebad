import { describe, expect, it } from 'vitest';
import { keyOf, type Suspect, weigh } from '../../../autoscaler/reconcile/decide/suspicion.ts';
import type { ReconcileGitLab } from '../../../autoscaler/reconcile/reconcile-ports.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { runnerItem, testStart } from '../../support/builders.ts';
import { reconcileWorld } from './reconcile-world.ts';

/** What GitLab is asked in each pass, call by call; a list of many pages counts as so many calls. */
function counting(gitlab: ReconcileGitLab) {
  const calls = { count: 0 };
  const counted = Object.entries(gitlab).map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      const answer: unknown = await (method as (...given: unknown[]) => Promise<unknown>)(...args);
      calls.count += Array.isArray(answer) ? Math.max(1, Math.ceil(answer.length / 100)) : 1;
      return answer;
    },
  ]);
  return { calls, gitlab: Object.fromEntries(counted) as ReconcileGitLab };
}

const jobs = 2_000;
const runnerIdOf = (index: number) => 10_000 + index;
/** A busy runner, as our table has it, whose job is over in GitLab. */
const busy = (index: number, projects: number): RunnerItem => {
  const [jobId, projectId] = [index + 1, 7 + (index % projects)];
  return runnerItem({
    jobId,
    projectId,
    state: 'RUNNING',
    jobState: 'RUNNING',
    takenJob: `job#${projectId}#${jobId}`,
    runnerId: runnerIdOf(index),
    instanceId: `i-${index}`,
    launchedAt: '2030-01-01T00:01:00.000Z',
    pickedUpAt: new Date(testStart + 24 * 60 * 60_000 - 60_000).toISOString(),
  });
};

describe('2,000 runners whose jobs are over, and nobody heard of it', () => {
  it.each([1, 40])('are all told of in seven minutes, with few calls, in %i projects', async (projects) => {
    const items = Array.from({ length: jobs }, (_, index) => busy(index, projects));
    const world = reconcileWorld(items);
    for (const { event, runnerId, instanceId = '' } of items) {
      world.strayInstance(instanceId);
      world.gitlab.setJob({ id: event.jobId, projectId: event.projectId, status: 'success', runnerId: runnerId ?? 0 });
    }
    const { calls, gitlab } = counting(world.gitlab);
    Object.assign(world.ports, { gitlab });
    const inPass: number[] = [];
    for (let pass = 0; pass < 7; pass += 1) {
      calls.count = 0;
      await world.pass();
      inPass.push(calls.count);
      // Whoever was told of is stopped within the minute.
      for (const { detail } of world.told) world.store.items.delete(`job#${keyPart(detail)}`);
    }
    expect(new Set(world.told.map(({ detail }) => keyPart(detail))).size).toBe(jobs);
    expect(Math.max(...inPass)).toBeLessThanOrEqual(150);
  });
});

function keyPart(detail: unknown): `${number}#${number}` {
  const { projectId, jobId } = detail as { readonly projectId: number; readonly jobId: number };
  return `${projectId}#${jobId}`;
}

describe('what a pass remembers', () => {
  const suspectOf = (index: number): Suspect => ({
    repair: {
      kind: 'abandon-unfinished-start',
      subject: `job#12345678#${100_000_000_000 + index} attempt 10`,
      reason: '',
      action: { do: 'remove-instance', instanceId: 'i-1' },
    },
  });

  it('fits into one item of DynamoDB, whatever looks wrong and whatever could not be looked at', () => {
    const clock = { now: Date.parse('2030-01-01T00:00:00.000Z'), patience: 1 };
    const powers = { couldSee: () => false, canMend: () => true };
    const many = Array.from({ length: 5_000 }, (_, index) => suspectOf(index));
    const first = weigh(many, {}, clock, powers);
    const second = weigh(many.slice(2_500), first.suspicions, { ...clock, now: clock.now + 60_000 }, powers);
    for (const { suspicions } of [first, second]) expect(JSON.stringify(suspicions).length).toBeLessThan(400_000);
    // What is seen now comes before what was seen then.
    const newest = many[2_500];
    expect(newest && second.suspicions[keyOf(newest.repair)]).toBeDefined();
  });
});

describe('a group of thousands of projects', () => {
  const world = (groups: readonly string[] = ['group/**']) => {
    const made = reconcileWorld([], { projects: groups });
    for (let index = 1; index <= 2_500; index += 1) made.gitlab.projects.set(`group/p${index}`, 1_000 + index);
    const known = async () => (await made.memory.listProjects()).length;
    return { ...made, known };
  };

  it('is found over several passes, each of which keeps what it learnt', async () => {
    const { pass, known } = world();
    const found: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      await pass();
      found.push(await known());
    }
    expect(found).toEqual([1_000, 2_000, 2_501]);
  });

  it('is asked for again the next day, and not before', async () => {
    const { pass, known, gitlab, clock } = world();
    await pass(3);
    gitlab.projects.set('group/new', 9_000);
    await pass(60);
    expect(await known()).toBe(2_501);
    clock.milliseconds += 24 * 60 * 60_000;
    await pass(4);
    expect(await known()).toBe(2_502);
  });

  it('does not keep the other groups from being found while GitLab refuses it', async () => {
    const made = world(['secret/**', 'group/**']);
    const { projectsOfGroup } = made.gitlab;
    const refuse = async (path: string, page: number) => {
      if (path === 'secret') throw new Error('403');
      return projectsOfGroup(path, page);
    };
    Object.assign(made.ports, { gitlab: { ...made.gitlab, projectsOfGroup: refuse } });
    await made.pass(3);
    expect(await made.known()).toBe(2_501);
    // It is asked for again in the next round, not a day later.
    made.gitlab.projects.set('secret/one', 9_001);
    Object.assign(made.ports, { gitlab: made.gitlab });
    await made.pass(9);
    expect(await made.known()).toBe(2_502);
  });
});
