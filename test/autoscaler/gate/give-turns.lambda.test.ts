import { describe, expect, it } from 'vitest';
import type { GateQueue } from '../../../autoscaler/gate/gate-queue.ts';
import { giveTurns } from '../../../autoscaler/gate/give-turns.lambda.ts';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { GateItem } from '../../../autoscaler/runner-store/gate-item.ts';
import { notItsTurn } from '../../../autoscaler/runner-store/held.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { RunnersStore, StoreWrite } from '../../../autoscaler/runner-store/runners-store.ts';
import { heldTicket } from '../../../infrastructure/kit/runner-ticket.ts';
import { jobMapping, nameOf, pendingJob, runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryBus } from '../../support/in-memory-bus.ts';
import { inMemoryGateQueue } from '../../support/in-memory-gate-queue.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

const token = 'glrt-fake-token';
const waitsFor = { error: notItsTurn, message: 'm', since: '2030-01-01T00:00:02.000Z', lookAt: '', looks: 1 };
const gated = { gated: true, tags: ['aws'] } as const;
/** Its host is there, and is held. */
const held = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({
    ...{
      ...gated,
      jobId,
      state: 'LAUNCHED',
      runnerId: 500 + jobId,
      instanceId: `i-${jobId}`,
      claimsAs: nameOf(`i-${jobId}`),
      ticketId: `job#7#${jobId}`,
    },
    launchedAt: '2030-01-01T00:00:05.000Z',
    ...changes,
  });
const newRunner = {
  projectId: 7,
  description: 'ci ec2',
  maintenanceNote: '',
  tags: ['aws'],
  maximumTimeoutSeconds: 600,
};
const waiting = (jobId: number, changes: Partial<RunnerItem> = {}) =>
  runnerItem({ ...gated, jobId, state: 'WAITING', type: 'LAMBDA', profile: 'shell', waitsFor, ...changes });

/** What our table does not know is left to others. */
const mappings = [jobMapping({ target: { type: 'IGNORE' } })];

function world(...items: readonly RunnerItem[]) {
  return worldWith(mappings, ...items);
}

function worldWith(mappings: readonly JobMapping[], ...items: readonly RunnerItem[]) {
  const store = inMemoryRunnersStore(...items);
  const gitlab = inMemoryGitLab();
  const bus = inMemoryBus();
  const context = lambdaContext();
  const gateQueue = inMemoryGateQueue();
  let keepers = 0;
  const clock = { now: testStart + 10_000 };
  let listings = 0;
  const askedRefs: string[] = [];
  for (const { event, tags, jobState } of items) {
    if (jobState === 'PENDING') gitlab.setJob({ id: event.jobId, tags, status: 'pending' });
  }
  for (const { pk, state, claimsAs, turnAt } of items) {
    if (state !== 'LAUNCHED' || !claimsAs) continue;
    const place = turnAt ? claimsAs : pk;
    store.tickets.set(place, { id: place, token, job: pk, expiresAt: 1 });
    if (!turnAt) store.tickets.set(claimsAs, heldTicket(claimsAs, pk, 1));
  }
  const offer = {
    profiles: {
      default: { type: 'EC2', timeoutMinutes: 60, longLived: items.some(({ managerOf }) => managerOf !== undefined) },
      shell: { type: 'LAMBDA', timeoutMinutes: 13, functionArn: 'arn:shell' },
      deploy: { type: 'EC2', timeoutMinutes: 60, accessLevel: 'ref_protected' },
    },
    defaultRunner: { type: 'IGNORE' },
  } as const;
  const look = (
    jobId: number | null = null,
    using: RunnersStore = store,
    asked = gitlab,
    { queue = gateQueue, remainingMilliseconds = context.remainingMilliseconds } = {},
  ) =>
    giveTurns(
      { kind: 'turns-wanted', projectId: 7, jobId },
      {
        store: using,
        bus,
        offer,
        gateQueue: queue,
        randomId: () => {
          keepers += 1;
          return `keeper ${keepers}`;
        },
        now: () => clock.now,
        mappings: { read: async () => ({ mappings, invalid: [] }) },
        gitlab: {
          ...asked,
          allPendingJobs: async (projectId) => {
            listings += 1;
            return asked.allPendingJobs(projectId);
          },
          isProtectedRef: (projectId, ref) => {
            askedRefs.push(ref);
            return asked.isProtectedRef(projectId, ref);
          },
        },
      },
      { ...context, remainingMilliseconds },
    );
  return {
    ...{ store, gitlab, bus, clock, gateQueue, look, askedRefs },
    listings: () => listings,
    lines: () => context.lines,
    item: (jobId: number) => store.items.get(`job#7#${jobId}`),
    tokenAt: (id: string) => store.tickets.get(id)?.token,
    turns: () => store.gates.get('gate#7')?.turns.map(({ runnerOf, jobId }) => [runnerOf, jobId]) ?? [],
  };
}

describe('a host that is held', () => {
  it('gets its ticket when it is its turn, and what is written down says for which job', async () => {
    const { look, item, tokenAt, turns } = world(held(1), waiting(2));
    expect(await look()).toEqual({ go: 1, hold: 0 });
    expect(item(1)).toMatchObject({ turnAt: '2030-01-01T00:00:10.000Z', ticketId: nameOf('i-1') });
    expect(tokenAt(nameOf('i-1'))).toBe(token);
    expect(tokenAt('job#7#1')).toBeUndefined();
    expect(turns()).toEqual([['job#7#1', 1]]);
    expect(item(2)).not.toHaveProperty('turnAt');
  });

  it('that is still to come is let go with its item: its ticket waits for its host', async () => {
    const { look, item } = world(
      held(1, { state: 'REGISTERED', instanceId: 'none', registeredAt: '2030-01-01T00:00:03Z' }),
    );
    await look();
    expect(item(1)).toMatchObject({ turnAt: expect.anything(), ticketId: 'job#7#1' });
  });

  it('is held again while its ticket is there, and its host then finds that it is', async () => {
    const { look, item, tokenAt, turns, gitlab, store } = world(held(2));
    await look();
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    expect(await look(1)).toEqual({ go: 0, hold: 1 });
    expect(item(2)).not.toHaveProperty('turnAt');
    expect(store.tickets.get(nameOf('i-2'))).toMatchObject({ token: '', mode: 'held' });
    expect(tokenAt('job#7#2')).toBe(token);
    expect(turns()).toEqual([]);
  });

  it('of a long-lived runner stays let go once it has claimed its ticket', async () => {
    const { runnerId: _, ...host } = held(2, { managerOf: 900 });
    const { look, item, gitlab, store, turns } = world(host);
    await look();
    store.tickets.delete(nameOf('i-2'));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    expect(await look(1)).toEqual({ go: 0, hold: 0 });
    expect(item(2)?.turnAt).toBeDefined();
    expect(turns()).toEqual([['job#7#2', 2]]);
  });

  it('of a long-lived runner is let go for a job with other tags that fits that runner, and not for one that is not known to', async () => {
    const goes = async (jobsTags: readonly string[], hostsTags: readonly string[], known = { managerOf: 900 }) => {
      const { runnerId: _, ...host } = held(2, { managerOf: 900, tags: hostsTags, jobState: 'FINISHED' });
      // Its own host took job 2.
      const other = { state: 'RELEASED', jobState: 'PENDING', tags: jobsTags, ...known } as const;
      return (await world(host, runnerItem({ ...gated, jobId: 3, ...other })).look(3)).go;
    };
    expect(await goes(['aws', 'large'], ['aws'])).toBe(1);
    expect(await goes(['aws', 'large'], ['aws'], { managerOf: 901 })).toBe(0);
    expect(await goes(['aws'], [])).toBe(0);
    expect(await goes([], [])).toBe(1);
  });

  it('that has claimed its ticket is paused while it has no job, and unpaused in its turn', async () => {
    const { look, item, gitlab, store, turns, clock } = world(held(2));
    const { runnerId } = await gitlab.createRunner(newRunner);
    store.items.set('job#7#2', { ...held(2), runnerId });
    await look();
    store.tickets.delete(nameOf('i-2'));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    expect(await look(1)).toEqual({ go: 0, hold: 1 });
    expect(gitlab.giveJobTo(runnerId)).toBeNull();
    expect(turns()).toEqual([]);
    expect(item(2)).toMatchObject({ pausedAt: '2030-01-01T00:00:10.000Z' });
    expect(item(2)).not.toHaveProperty('turnAt');

    clock.now += 5_000;
    gitlab.setJob({ id: 1, status: 'running' });
    expect(await look(1)).toEqual({ go: 1, hold: 0 });
    expect(turns()).toEqual([['job#7#2', 2]]);
    expect(item(2)).toMatchObject({ unpausedAt: '2030-01-01T00:00:15.000Z' });
    expect(gitlab.giveJobTo(runnerId)).toBe(2);
  });

  it('that has claimed its ticket and got a job is not paused: its job is written down', async () => {
    const { look, item, gitlab, store } = world(held(2));
    const { runnerId } = await gitlab.createRunner(newRunner);
    store.items.set('job#7#2', { ...held(2), runnerId });
    await look();
    store.tickets.delete(nameOf('i-2'));
    expect(gitlab.giveJobTo(runnerId)).toBe(2);
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    expect(await look(1)).toEqual({ go: 0, hold: 0 });
    expect(item(2)).toMatchObject({ state: 'RUNNING', takenJob: 'job#7#2' });
    expect(gitlab.runners.get(runnerId)?.paused).toBe(false);
  });

  it('is unpaused at the next look when that was not answered', async () => {
    const { look, item, gitlab, store, clock } = world(held(2));
    const { runnerId } = await gitlab.createRunner(newRunner);
    store.items.set('job#7#2', { ...held(2), runnerId });
    await look();
    store.tickets.delete(nameOf('i-2'));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    await look(1);
    gitlab.setJob({ id: 1, status: 'running' });
    const down = { ...gitlab, unpauseRunner: () => Promise.reject(new Error('GitLab is away')) };
    await expect(look(1, store, down)).rejects.toThrow('GitLab is away');
    clock.now += 60_000;
    await look();
    expect(gitlab.runners.get(runnerId)?.paused).toBe(false);
    expect(item(2)).toHaveProperty('unpausedAt');
  });

  it('whose token is gone is not let go, and keeps nobody else', async () => {
    const { look, store, turns } = world(held(1), held(2));
    store.tickets.delete('job#7#1');
    await look();
    expect(turns()).toEqual([['job#7#2', 2]]);
  });
});

describe('a job that waits for its turn', () => {
  it('is started in its turn, by its event', async () => {
    const { look, bus, item } = world(waiting(1));
    await look();
    expect(item(1)?.turnAt).toBe('2030-01-01T00:00:10.000Z');
    expect(bus.told).toMatchObject([['Job Pending', { jobId: 1, deliveryId: null }]]);
  });

  it('is asked for once more when that was not heard', async () => {
    const { look, bus, clock } = world(waiting(1));
    await look();
    await look();
    expect(bus.told).toHaveLength(1);
    clock.now += 20_000;
    await look();
    expect(bus.told).toHaveLength(2);
  });

  it('waits while an earlier job is known that is to run elsewhere, without a question to GitLab', async () => {
    const { look, listings, item, store } = world(held(1, { turnAt: '2030-01-01T00:00:06.000Z' }), waiting(2));
    store.gates.set('gate#7', {
      ...{ pk: 'gate#7', version: 1, stuck: {}, holds: [] },
      turns: [{ runnerOf: 'job#7#1', attempt: 1, jobId: 1 }],
    });
    await look(2);
    expect(listings()).toBe(0);
    expect(item(2)).not.toHaveProperty('turnAt');
    expect(store.gates.get('gate#7')?.holds).toMatchObject([{ profile: 'shell', behind: 1, of: 'default' }]);
  });

  it('waits for a job of which only GitLab knows, and goes when nobody has started that for too long', async () => {
    const { look, gitlab, item, clock, store, lines } = world(waiting(2, { exact: 60 }));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    await look();
    expect(item(2)).not.toHaveProperty('turnAt');
    expect(store.gates.get('gate#7')?.stuck).toEqual({ 1: clock.now });
    clock.now += 60_000;
    await look();
    expect(item(2)?.turnAt).toBeDefined();
    expect(lines().filter((line) => line.JobsPassed)).toMatchObject([{ passing: [{ jobId: 2, passes: 1 }] }]);
  });
});

describe('a job of which only GitLab knows', () => {
  it('is not waited for anew when others are held without a question to GitLab', async () => {
    const { look, gitlab, store, listings, clock } = world(waiting(3));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    await look();
    expect(store.gates.get('gate#7')?.stuck).toEqual({ 1: testStart + 10_000 });
    const needsPerson = { ...waitsFor, error: 'LongLivedRunnerError' };
    store.items.set('job#7#2', waiting(2, { profile: 'default', type: 'EC2', waitsFor: needsPerson }));
    clock.now += 5_000;
    await look();
    expect(listings()).toBe(1);
    expect(store.gates.get('gate#7')?.stuck).toEqual({ 1: testStart + 10_000, 2: testStart + 15_000 });
  });
});

describe('a function that was started', () => {
  it('is paused when an earlier job comes, and gives its attempt up until its turn comes again', async () => {
    const { look, bus, item, gitlab, store } = world(waiting(2));
    await look();
    const { runnerId } = await gitlab.createRunner(newRunner);
    const started = { ...item(2), state: 'LAUNCHED', runnerId, ticketId: 'random' } as RunnerItem;
    store.items.set('job#7#2', started);
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    await look(1);
    expect(gitlab.giveJobTo(runnerId)).toBeNull();
    expect(bus.told.at(-1)).toMatchObject(['Runner Failed', { jobId: 2, attempt: 1, error: notItsTurn }]);
  });

  it('is given up once when the earlier job waits for its place under a cap as well', async () => {
    const caps = [{ counter: 'cap#deployment', limit: 1 }];
    const { look, bus, item, gitlab, store } = world(waiting(2));
    await look();
    const { runnerId } = await gitlab.createRunner(newRunner);
    store.items.set('job#7#2', { ...item(2), state: 'LAUNCHED', runnerId, ticketId: 'random', caps } as RunnerItem);
    store.items.set('job#7#1', runnerItem({ ...gated, jobId: 1, state: 'WAITING', caps }));
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
    await look(1);
    const failed = bus.told.filter(([type]) => type === 'Runner Failed');
    expect(failed).toMatchObject([['Runner Failed', { jobId: 2, attempt: 1, error: notItsTurn }]]);
  });
});

describe('a place under a cap', () => {
  it('is given back by a held runner for an earlier job that waits for it', async () => {
    const caps = [{ counter: 'cap#deployment', limit: 1 }];
    const early = runnerItem({ ...gated, jobId: 1, state: 'WAITING', type: 'LAMBDA', profile: 'shell', caps });
    const { look, bus } = world(early, held(2, { caps }));
    await look();
    expect(bus.told).toMatchObject([['Runner Failed', { jobId: 2, attempt: 1, error: notItsTurn }]]);
  });
});

describe('a place among the runners that GitLab lets a project have', () => {
  const limit = 'POST /user/runners: 400 Maximum number of ci registered project runners (50) exceeded';
  const refused = (message: string) =>
    waiting(1, { waitsFor: { ...waitsFor, error: 'GitLabLimitError', message }, exact: 'always' });

  it('is given back by a held runner for an earlier job that GitLab takes no runner for', async () => {
    const { look, bus } = world(refused(limit), held(2, { exact: 'always' }));
    await look();
    expect(bus.told).toMatchObject([['Runner Failed', { jobId: 2, attempt: 1, error: notItsTurn }]]);
  });

  it('is kept where another limit is in the way, and where the runner is a long-lived one', async () => {
    const calls = world(refused('POST /user/runners: 429 Too many requests'), held(2, { exact: 'always' }));
    await calls.look();
    expect(calls.bus.told).toEqual([]);
    const { runnerId: _, ...host } = held(2, { exact: 'always', managerOf: 900 });
    const longLived = world(refused(limit), host);
    await longLived.look();
    expect(longLived.bus.told).toEqual([]);
  });
});

describe('two decisions at the same moment', () => {
  it('never both count: the second is made on what the first left', async () => {
    const { store, gitlab, look, turns } = world(held(1), held(2, { profile: 'large' }));
    let isFirst = true;
    const disturbed: RunnersStore = {
      ...store,
      async write(...parts: readonly StoreWrite[]) {
        if (isFirst) {
          isFirst = false;
          // Whoever had died by the clock of this one, and had not.
          await look(null, store, gitlab, { queue: inMemoryGateQueue() });
        }
        return store.write(...parts);
      },
    };
    await look(null, disturbed);
    expect(turns()).toEqual([['job#7#1', 1]]);
    expect(store.gates.get('gate#7')?.version).toBe(1);
  });
});

describe('events of one project that come at the same time', () => {
  it('are answered by one decision and one more, which asks GitLab for those that came meanwhile', async () => {
    const { store, look, listings, item } = world(waiting(5));
    let others: Promise<unknown> | undefined;
    let writes = 0;
    const slow: RunnersStore = {
      ...store,
      async write(...parts: readonly StoreWrite[]) {
        writes += 1;
        others ??= Promise.all([6, 7, 8, 9].map((jobId) => look(jobId, slow)));
        expect(await others).toEqual(Array.from({ length: 4 }, () => ({ go: 0, hold: 0 })));
        return store.write(...parts);
      },
    };
    expect(await look(5, slow)).toEqual({ go: 1, hold: 0 });
    expect(item(5)?.turnAt).toBeDefined();
    expect({ writes, listings: listings() }).toEqual({ writes: 1, listings: 2 });
  });

  it('are not lost: an earlier job that came while it was decided is seen although the index does not show it', async () => {
    const { store, gitlab, look, item } = world(held(2));
    let joined: Promise<unknown> | undefined;
    const lagging: RunnersStore = {
      ...store,
      readLiveOf: async (pool) => (await store.readLiveOf(pool)).filter(({ event }) => event.jobId !== 1),
      async write(...parts: readonly StoreWrite[]) {
        await store.write(...parts);
        if (joined) return;
        store.items.set('job#7#1', waiting(1));
        gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending' });
        joined = look(1, lagging);
        await joined;
      },
    };
    expect(await look(2, lagging)).toEqual({ go: 2, hold: 1 });
    expect(item(1)?.turnAt).toBeDefined();
    expect(item(2)).not.toHaveProperty('turnAt');
  });

  it('are seen although they stand under a runner that no profile of the deployment has any more', async () => {
    const { store, look, item } = world(waiting(1));
    const elsewhere: RunnersStore = { ...store, readLiveOf: async () => [] };
    expect(await look(null, elsewhere)).toEqual({ go: 0, hold: 0 });
    expect(await look(1, elsewhere)).toEqual({ go: 1, hold: 0 });
    expect(item(1)?.turnAt).toBeDefined();
  });

  it('go on with the next event when the time of the one that decides is over', async () => {
    const { look, bus, gateQueue } = world(waiting(5));
    const keeper = { id: 'other', until: testStart + 60_000 };
    let remaining = 30_000;
    const join: GateQueue['join'] = async (...input) => {
      const left = await gateQueue.join(...input);
      await gateQueue.join(7, 6, keeper, testStart);
      remaining = 9_000;
      return left;
    };
    await look(5, undefined, undefined, {
      queue: { ...gateQueue, join },
      remainingMilliseconds: () => remaining,
    });
    expect(bus.told.at(-1)).toEqual(['Turns Wanted', { kind: 'turns-wanted', projectId: 7, jobId: null }]);
    expect(await gateQueue.join(7, null, keeper, testStart)).toEqual([6]);
  });

  it('are free to be looked at when the one that decides fails', async () => {
    const { look, gitlab, item } = world(waiting(5));
    const down = { ...gitlab, allPendingJobs: () => Promise.reject(new Error('GitLab is away')) };
    await expect(look(5, undefined, down)).rejects.toThrow('GitLab is away');
    expect(await look(5)).toEqual({ go: 1, hold: 0 });
    expect(item(5)?.turnAt).toBeDefined();
  });
});

describe('a project without a gate', () => {
  it('costs nothing but the look', async () => {
    const { look, listings, store } = world(runnerItem({ jobId: 1, state: 'LAUNCHED' }));
    expect(await look()).toEqual({ go: 0, hold: 0 });
    expect(listings()).toBe(0);
    expect(store.gates.size).toBe(0);
  });
});

describe('protected branches and tags', () => {
  const onRef = (jobId: number, ref: string) => ({ ...pendingJob({ jobId, projectId: 7 }), ref });
  const deploy = { profile: 'deploy', accessLevel: 'ref_protected', isProtected: true } as const;
  const ofMain = (jobId: number) => held(jobId, { ...deploy, event: onRef(jobId, 'main') });
  const earlier = (changes: Partial<RunnerItem> = {}) =>
    held(1, { event: onRef(1, 'topic'), state: 'REGISTERED', turnAt: '2030-01-01T00:00:06.000Z', ...changes });
  const asking = (store: RunnersStore & { readonly gates: Map<string, GateItem> }) =>
    store.gates.set('gate#7', {
      ...{ pk: 'gate#7', version: 1, stuck: {}, holds: [] },
      turns: [{ runnerOf: 'job#7#1', attempt: 1, jobId: 1 }],
    });

  it('are what a runner for these alone waits for: jobs of other refs are in nobody’s way', async () => {
    const { look, store, turns, gitlab, askedRefs } = world(earlier(), ofMain(2));
    asking(store);
    gitlab.protectedRefs.add('main');
    await look();
    expect(turns()).toContainEqual(['job#7#2', 2]);
    expect(askedRefs).toEqual(['topic']);
  });

  it('are asked about once, and not where a job of the same ref says it', async () => {
    const { look, store, turns, gitlab, askedRefs } = world(earlier({ event: onRef(1, 'release') }), ofMain(2));
    asking(store);
    gitlab.protectedRefs.add('release');
    await look();
    expect(turns()).toEqual([['job#7#1', 1]]);
    expect(askedRefs).toEqual(['release']);
    const same = world(earlier({ event: onRef(1, 'main') }), ofMain(2));
    asking(same.store);
    await same.look();
    expect([same.turns(), same.askedRefs]).toEqual([[['job#7#1', 1]], []]);
  });

  it('decide whose a job is that a row for protected refs names, before its own item is there', async () => {
    const toDeploy = jobMapping({ isProtected: true, target: { type: 'EC2', profile: 'deploy' } });
    const rows = [jobMapping({ target: { type: 'EC2', profile: 'default' } }), toDeploy];
    const { look, gitlab, turns, store, askedRefs } = worldWith(rows, held(2, { event: onRef(2, 'topic') }));
    gitlab.protectedRefs.add('main');
    gitlab.setJob({ id: 1, tags: ['aws'], status: 'pending', ref: 'main' });
    await look();
    expect([turns(), askedRefs]).toEqual([[], ['main']]);
    expect(store.gates.get('gate#7')?.holds).toMatchObject([{ profile: 'default', behind: 1, of: 'deploy' }]);
  });
});
