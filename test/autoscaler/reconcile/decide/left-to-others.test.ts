import { describe, expect, it } from 'vitest';
import type { JobMapping } from '../../../../autoscaler/job-mappings/job-mapping.ts';
import type { ReconcilePorts } from '../../../../autoscaler/reconcile/reconcile-ports.ts';
import { jobMapping, runnerItem } from '../../../support/builders.ts';
import { reconcileWorld } from '../reconcile-world.ts';

/** A reconciler that knows one project, in a deployment without a default runner; an edit of `rows` counts at once. */
async function worldWith(rows: readonly JobMapping[], changes: Partial<ReconcilePorts> = {}) {
  const table = { rows, reads: 0 };
  const mappings = {
    read: async () => {
      table.reads += 1;
      return { mappings: table.rows };
    },
  };
  const offer = { profiles: {}, defaultRunner: { type: 'IGNORE' } } as const;
  const world = reconcileWorld([], { mappings, offer, ...changes });
  await world.memory.noteProject({ projectId: 7, path: 'group/project' }, '2030-01-02');
  return { ...world, table };
}

const docker = jobMapping({ tags: ['docker'] });
const hour = 60;

describe('a job that the mappings leave to other runners', () => {
  it.each<[string, readonly JobMapping[]]>([
    ['a mapping says IGNORE', [jobMapping({ jobName: 'build', target: { type: 'IGNORE' } }), docker]],
    ['no mapping has its tags', [docker]],
    ['no mapping has its project', [jobMapping({ project: 'group/other' })]],
    ['there is no mapping', []],
  ])('waits for hours without a repair, a metric or a line in the log: %s', async (_, rows) => {
    const world = await worldWith(rows);
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['their-own'] });
    const outcomes = await world.pass(3 * hour);
    expect(outcomes).toEqual(outcomes.map(() => ({ repaired: 0, failed: 0 })));
    expect([world.told, world.context.lines, world.memory.memory().suspicions]).toEqual([[], [], {}]);
  });

  it('does not keep the deployment from being idle: GitLab is asked every five minutes', async () => {
    const world = await worldWith([docker]);
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['their-own'] });
    await world.pass(hour);
    expect(world.table.reads).toBe(hour / 5);
  });

  it('does not hide one beside it that is ours', async () => {
    const world = await worldWith([docker]);
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['their-own'] });
    world.gitlab.setJob({ id: 6, status: 'pending', tags: ['docker'] });
    await world.pass(2);
    expect(world.told).toMatchObject([{ type: 'Job Pending', detail: { jobId: 6 } }]);
  });

  it('does not hide one whose tags a profile has', async () => {
    const shell = { type: 'LAMBDA', timeoutMinutes: 13, tags: ['shell'] } as const;
    const world = await worldWith([], { offer: { profiles: { shell }, defaultRunner: { type: 'IGNORE' } } });
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['their-own'] });
    world.gitlab.setJob({ id: 6, status: 'pending', tags: ['shell', 'other'] });
    await world.pass(2);
    expect(world.told).toMatchObject([{ type: 'Job Pending', detail: { jobId: 6 } }]);
  });

  it('is started when it became ours by an edit while it waits', async () => {
    const world = await worldWith([docker]);
    world.gitlab.setJob({ id: 5, status: 'pending', tags: ['gpu'] });
    await world.pass(10);
    expect(world.told).toEqual([]);
    world.table.rows = [docker, jobMapping({ tags: ['gpu'] })];
    await world.pass(7);
    expect(world.told[0]).toMatchObject({ type: 'Job Pending', detail: { jobId: 5 } });
  });

  it('is forgotten when it became theirs by an edit', async () => {
    const world = await worldWith([jobMapping()]);
    world.gitlab.setJob({ id: 5, status: 'pending' });
    await world.pass();
    expect(Object.keys(world.memory.memory().suspicions)).toEqual(['start-lost-job job#7#5']);
    world.table.rows = [docker];
    await world.pass(2);
    expect([world.told, world.memory.memory().suspicions]).toEqual([[], {}]);
  });
});

it('a job whose mapping names what was not deployed stays ours, so that its failure becomes visible', async () => {
  const world = await worldWith([jobMapping({ target: { type: 'EC2', profile: 'huge' } })]);
  world.gitlab.setJob({ id: 5, status: 'pending' });
  await world.pass(2);
  expect(world.told).toMatchObject([{ type: 'Job Pending', detail: { jobId: 5 } }]);
});

it('every job may be ours while the mappings cannot be read, which is said once in a pass', async () => {
  const world = await worldWith([], { mappings: { read: () => Promise.reject(new Error('throttled')) } });
  for (const id of [5, 6, 7]) world.gitlab.setJob({ id, status: 'pending' });
  await world.pass(2);
  expect(world.told).toHaveLength(3);
  const warnings = world.context.lines.filter(({ level }) => level === 'warn');
  expect(warnings).toMatchObject([{ what: expect.stringContaining('mappings') }, { what: expect.any(String) }]);
});

describe('the mappings', () => {
  it('are read by no pass in which nothing waits', async () => {
    const world = await worldWith([docker]);
    world.gitlab.setJob({ id: 5, status: 'running' });
    await world.pass(hour);
    expect(world.table.reads).toBe(0);
  });

  it('are read by no pass whose waiting jobs all stand in our table', async () => {
    const world = await worldWith([docker]);
    const item = runnerItem({ jobId: 5, admittedAt: new Date(world.clock.milliseconds).toISOString() });
    world.store.items.set(item.pk, item);
    world.gitlab.setJob({ id: 5, status: 'pending' });
    await world.pass(3);
    expect(world.table.reads).toBe(0);
  });

  it('are read once by a pass, whatever number of jobs it judges', async () => {
    const world = await worldWith([docker]);
    await world.memory.noteProject({ projectId: 8, path: 'group/other' }, '2030-01-02');
    for (const id of [5, 6, 7]) world.gitlab.setJob({ id, projectId: id === 7 ? 8 : 7, status: 'pending' });
    await world.pass();
    expect(world.table.reads).toBe(1);
  });
});
