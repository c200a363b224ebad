import { describe, expect, it } from 'vitest';
import { planRepairs } from '../../../../autoscaler/reconcile/decide/plan-repairs.ts';
import { planRound } from '../../../../autoscaler/reconcile/look/known-projects.ts';
import { emptyMemory } from '../../../../autoscaler/reconcile/look/memory.ts';
import type { Seen, SeenJob } from '../../../../autoscaler/reconcile/look/seen.ts';
import type { RunnerItem } from '../../../../autoscaler/runner-store/runner-item.ts';
import { unbinding } from '../../../../autoscaler/runner-store/unbind-untrue.ts';
import { holdTag, launchGroupTag } from '../../../../autoscaler/runner-types/ec2/instance-tags.ts';
import type { JobKey } from '../../../../infrastructure/kit/job-key.ts';
import { launchGroupOf, pendingJob, runnerItem, testStart } from '../../../support/builders.ts';
import { inMemoryRunnersStore } from '../../../support/in-memory-runners-store.ts';

const minute = 60_000;
/** Long after everything that the builders date. */
const late = testStart + 24 * 60 * minute;

function seen(changes: Partial<Seen> = {}): Seen {
  const nothing = { live: [], instances: [], runners: [], tickets: [], jobs: new Map(), places: new Map() };
  return {
    ...nothing,
    leftToOthers: new Set(),
    isGitLabAway: false,
    listedProjects: new Set([7]),
    memory: emptyMemory,
    maxAttempts: 3,
    patience: 1,
    ...changes,
  };
}

/** What a number of looks, a minute apart, at the same things lead to, by look: kinds and subjects. */
function looks(count: number, what: Seen, from = late): (readonly string[])[] {
  let memory = what.memory;
  return Array.from({ length: count }, (_, index) => {
    const plan = planRepairs({ ...what, memory }, from + index * minute);
    memory = plan.memory;
    return plan.repairs.map(({ kind, subject }) => `${kind} ${subject}`);
  });
}

/** What is to be repaired at the second look. */
function repairsOf(what: Seen, from = late) {
  const first = planRepairs(what, from);
  return planRepairs({ ...what, memory: first.memory }, from + minute).repairs;
}

const kindsOf = (what: Seen, from = late) => repairsOf(what, from).map(({ kind }) => kind);
const job = (status: string, runnerId: number | null = null): SeenJob => ({ status, runnerId, event: null });
const jobs = (...entries: readonly (readonly [JobKey, SeenJob])[]) => new Map(entries);
const pending = (jobId = 1): readonly [JobKey, SeenJob] => [
  `job#7#${jobId}`,
  { status: 'pending', runnerId: null, event: pendingJob({ jobId }) },
];
const instance = (instanceId: string, tags: Record<string, string> = {}, launchedAt = '2030-01-01T00:00:00.000Z') => ({
  instanceId,
  launchedAt,
  tags,
});
const gitlabRunner = (runnerId: number, busy = false, createdAt: string | null = '2030-01-01T00:00:00.000Z') => ({
  runnerId,
  description: 'ci ec2 for job 1',
  createdAt,
  busy,
});
const launched = (changes: Parameters<typeof runnerItem>[0] = {}) =>
  runnerItem({
    state: 'LAUNCHED',
    runnerId: 101,
    instanceId: 'i-1',
    ticketId: 'i-1',
    registeredAt: '2030-01-01T00:00:03.000Z',
    launchedAt: '2030-01-01T00:00:04.000Z',
    ...changes,
  });

describe('nothing', () => {
  it('is repaired where all is as it should be', () => {
    const all = seen({
      live: [
        launched({
          state: 'RUNNING',
          takenJob: 'job#7#1',
          jobState: 'RUNNING',
          pickedUpAt: new Date(late).toISOString(),
        }),
      ],
      instances: [instance('i-1')],
      runners: [gitlabRunner(101, true)],
      jobs: jobs(['job#7#1', job('running', 101)]),
    });
    expect(looks(3, all)).toEqual([[], [], []]);
  });

  it('is repaired, and nothing forgotten, where our own table could not be read', () => {
    const memory = {
      ...emptyMemory,
      suspicions: { 'remove-instance i-9': { since: 1, lastLook: 1, looks: 1, tries: 0, lastTry: 0 } },
    };
    const plan = planRepairs(seen({ live: null, instances: [instance('i-9')], memory }), late);
    expect(plan.repairs).toEqual([]);
    expect(plan.memory).toEqual(memory);
  });

  it('is removed on a single look, of whatever kind', () => {
    const strays = seen({
      instances: [instance('i-9')],
      runners: [gitlabRunner(900)],
      tickets: [{ id: 'i-9', job: 'job#7#9', expiresAt: 1 }],
      jobs: jobs(pending()),
    });
    const [first, second] = looks(2, strays);
    expect(first).toEqual([]);
    expect(second).toEqual(
      expect.arrayContaining(['remove-instance i-9', 'remove-runner 900', 'start-lost-job job#7#1']),
    );
  });

  it('is removed on two looks of the same moment, as of two passes at once', () => {
    const strays = seen({ instances: [instance('i-9')] });
    const first = planRepairs(strays, late);
    expect(planRepairs({ ...strays, memory: first.memory }, late + 5_000).repairs).toEqual([]);
  });

  it('is removed that was accounted for in between', () => {
    const stray = seen({ instances: [instance('i-9')] });
    const first = planRepairs(stray, late);
    const owned = {
      ...stray,
      live: [
        launched({
          instanceId: 'i-9',
          takenJob: 'job#7#1',
          state: 'RUNNING',
          pickedUpAt: new Date(late).toISOString(),
        }),
      ],
    };
    const second = planRepairs({ ...owned, memory: first.memory }, late + minute);
    const third = planRepairs({ ...stray, memory: second.memory }, late + 2 * minute);
    expect([second.repairs, third.repairs]).toEqual([[], []]);
  });
});

describe('what was not seen', () => {
  it('is not taken for gone: an instance, when EC2 did not answer', () => {
    expect(kindsOf(seen({ live: [launched()], instances: null }))).toEqual([]);
    expect(kindsOf(seen({ live: [launched()], instances: [] }))).toEqual(['abandon-lost-host']);
  });

  it('keeps a suspicion for the next look, instead of clearing it', () => {
    const stray = seen({ runners: [gitlabRunner(900)] });
    const first = planRepairs(stray, late);
    const blind = planRepairs({ ...stray, runners: null, memory: first.memory }, late + minute);
    const third = planRepairs({ ...stray, memory: blind.memory }, late + 2 * minute);
    expect([blind.repairs, third.repairs.map(({ kind }) => kind)]).toEqual([[], ['remove-runner']]);
  });

  it('counts from the beginning after half an hour', () => {
    const stray = seen({ runners: [gitlabRunner(900)] });
    const first = planRepairs(stray, late);
    expect(planRepairs({ ...stray, memory: first.memory }, late + 31 * minute).repairs).toEqual([]);
  });
});

describe('a job that GitLab calls pending', () => {
  it('is started when our table knows nothing of it, with the event that its hook would have brought', () => {
    const [repair] = repairsOf(seen({ jobs: jobs(pending(5)) }));
    expect(repair).toMatchObject({
      kind: 'start-lost-job',
      action: { do: 'tell-of-job', type: 'Job Pending', event: { jobId: 5, projectId: 7, status: 'pending' } },
    });
  });

  it('is nothing to us when the mappings leave it to others, also when they did not before', () => {
    const foreign = seen({ jobs: jobs(pending(5), pending(6)), leftToOthers: new Set(['job#7#5']) });
    expect(repairsOf(foreign).map(({ subject }) => subject)).toEqual(['job#7#6']);
    const first = planRepairs(seen({ jobs: jobs(pending(5)) }), late);
    const second = planRepairs({ ...foreign, memory: first.memory }, late + minute);
    expect(Object.keys(first.memory.suspicions)).toEqual(['start-lost-job job#7#5']);
    expect(Object.keys(second.memory.suspicions)).toEqual(['start-lost-job job#7#6']);
  });

  it('is asked for ever more rarely while nothing comes of it', () => {
    const asked = looks(70, seen({ jobs: jobs(pending()) })).flatMap((repairs, index) =>
      repairs.length > 0 ? [index] : [],
    );
    expect(asked).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });

  it('is started again when its attempt failed and nobody asked again', () => {
    const failed = (stoppedAt: string, attempt = 1) =>
      seen({
        live: [runnerItem({ state: 'FAILED', attempt, stoppedAt, failure: 'HostLost: none' })],
        jobs: jobs(pending()),
      });
    const minutesAgo = (minutes: number) => new Date(late - minutes * minute).toISOString();
    expect(kindsOf(failed(minutesAgo(6)))).toEqual(['start-failed-job']);
    expect(kindsOf(failed(minutesAgo(1)))).toEqual([]);
    expect(kindsOf(failed(minutesAgo(6), 3))).toEqual([]);
  });

  it('is told of when it may have no further attempt', () => {
    const live = [
      runnerItem({ state: 'FAILED', attempt: 3 }),
      runnerItem({ jobId: 2, state: 'FAILED', attempt: 3, excusedAttempts: 1 }),
    ];
    expect(planRepairs(seen({ live }), late).findings.outOfAttempts).toEqual(['job#7#1']);
  });

  it('is started when its own runner served another, and no idle one is left over', () => {
    const released = runnerItem({ state: 'RELEASED', takenJob: 'job#7#2' });
    expect(kindsOf(seen({ live: [released], jobs: jobs(pending()) }))).toEqual(['start-forsaken-job']);
    const launchedAt = new Date(late).toISOString();
    const spare = launched({ jobId: 3, jobState: 'RUNNING', instanceId: 'i-3', runnerId: 103, launchedAt });
    expect(kindsOf(seen({ live: [released, spare], instances: [instance('i-3')], jobs: jobs(pending()) }))).toEqual([]);
  });

  it('is started, in the name of the job that its runner serves, as long as that one runs', () => {
    const robbed = runnerItem({
      state: 'RUNNING',
      takenJob: 'job#7#2',
      runnerId: 101,
      pickedUpAt: new Date(late).toISOString(),
    });
    const other = (status: string) => [['job#7#2', { status, runnerId: 101, event: null }]] as const;
    const [repair, ...more] = repairsOf(seen({ live: [robbed], jobs: jobs(pending(), ...other('running')) }));
    expect(more).toEqual([]);
    expect(repair).toMatchObject({
      kind: 'start-forsaken-job',
      subject: 'job#7#1',
      action: { do: 'tell-of-job', type: 'Job Pending', event: { jobId: 2, status: 'running', runnerId: 101 } },
    });
    expect(kindsOf(seen({ live: [robbed], jobs: jobs(pending(), ...other('success')) }))).toEqual(['finish-job']);
    expect(kindsOf(seen({ live: [robbed], jobs: jobs(pending()) }))).toEqual([]);
  });
});

describe('jobs that wait for a place', () => {
  const caps = [{ counter: 'cap#deployment', limit: 2 }];
  const waiting = (jobId: number) =>
    runnerItem({ jobId, state: 'WAITING', caps, admittedAt: `2030-01-01T00:00:0${jobId}.000Z` });

  it('start when there are places, the oldest first and no more than there are', () => {
    const live = [waiting(3), waiting(1), waiting(2)];
    const repairs = repairsOf(seen({ live, places: new Map([['cap#deployment', 0]]) }));
    expect(repairs.map(({ subject }) => subject)).toEqual(['job#7#1', 'job#7#2']);
  });

  it('stay when there is none, or when the counters could not be read', () => {
    expect(kindsOf(seen({ live: [waiting(1)], places: new Map([['cap#deployment', 2]]) }))).toEqual([]);
    expect(kindsOf(seen({ live: [waiting(1)], places: null }))).toEqual([]);
  });
});

describe('a hook that was lost', () => {
  it('of a job that runs is told of again, with the runner that has it', () => {
    const [repair] = repairsOf(
      seen({ live: [launched()], instances: [instance('i-1')], jobs: jobs(['job#7#1', job('running', 101)]) }),
    );
    expect(repair).toMatchObject({
      kind: 'bind-runner',
      action: { type: 'Job Running', event: { jobId: 1, runnerId: 101 } },
    });
  });

  it('of a job that one of our runners took from another is told of by its number', () => {
    const live = [launched()];
    const repairs = repairsOf(
      seen({ live, instances: [instance('i-1')], jobs: jobs(pending(), ['job#8#99', job('running', 101)]) }),
      testStart,
    );
    expect(repairs).toMatchObject([
      { kind: 'bind-runner', subject: 'job#8#99', action: { event: { projectId: 8, jobId: 99, runnerId: 101 } } },
    ]);
  });

  it.each(['success', 'failed', 'canceled', 'skipped'])('of a job that ended in %s ends its runner', (status) => {
    const live = [
      launched({
        state: 'RUNNING',
        takenJob: 'job#7#1',
        jobState: 'RUNNING',
        pickedUpAt: new Date(late).toISOString(),
      }),
    ];
    const [repair] = repairsOf(seen({ live, instances: [instance('i-1')], jobs: jobs(['job#7#1', job(status, 101)]) }));
    expect(repair).toMatchObject({
      kind: 'finish-job',
      action: { type: 'Job Finished', event: { status, runnerId: 101 } },
    });
  });

  it('of another job’s end is told of with the runner that took it', () => {
    const live = [launched({ state: 'RUNNING', takenJob: 'job#7#2', pickedUpAt: new Date(late).toISOString() })];
    const repairs = repairsOf(
      seen({ live, instances: [instance('i-1')], jobs: jobs(pending(1), ['job#7#2', job('success')]) }),
    );
    expect(repairs).toMatchObject([
      { kind: 'finish-job', subject: 'job#7#2', action: { event: { jobId: 2, runnerId: 101 } } },
    ]);
  });

  it('is not concluded from a running job that this token may not see any more', () => {
    const gone = jobs(['job#7#1', job('gone')]);
    const running = launched({ state: 'RUNNING', takenJob: 'job#7#1', pickedUpAt: new Date(late).toISOString() });
    expect(kindsOf(seen({ live: [running], instances: [instance('i-1')], jobs: gone }))).toEqual([]);
    expect(kindsOf(seen({ live: [runnerItem({ state: 'FAILED' })], jobs: gone }))).toEqual(['finish-job']);
  });

  it('of a job that ended while it waited takes it out of the queue', () => {
    expect(kindsOf(seen({ live: [runnerItem({ state: 'WAITING', jobState: 'FINISHED' })] }))).toEqual(['finish-job']);
  });
});

describe('a hook that was not true', () => {
  it.each<[string, Parameters<typeof runnerItem>[0], object]>([
    ['runs', { state: 'RUNNING', takenJob: 'job#7#1' }, { state: 'LAUNCHED', unbound: true, jobState: 'PENDING' }],
    ['ran, after its runner ended', { state: 'RELEASED', takenJob: 'job#7#1' }, { unbound: true, jobState: 'PENDING' }],
    ['runs elsewhere', { state: 'LAUNCHED' }, { unbound: true, jobState: 'PENDING' }],
  ])('of a job that %s is undone where GitLab says that it waits', async (_, changes, after) => {
    const item = launched({ jobState: 'RUNNING', launchedAt: new Date(late).toISOString(), ...changes });
    const store = inMemoryRunnersStore(item);
    const repairs = repairsOf(seen({ live: [item], instances: [instance('i-1')], jobs: jobs(pending()) }));
    expect(repairs.map(({ kind }) => kind)).toContain('unbind-runner');
    for (const { action } of repairs) if (action.do === 'unbind') await store.write(unbinding(action.item, true));
    expect(store.items.get(item.pk)).toMatchObject(after);
    expect(store.items.get(item.pk)).not.toHaveProperty('takenJob');
  });

  it('is none of a job whose stand-in another job has', () => {
    const item = launched({ jobState: 'RUNNING', state: 'RUNNING', takenJob: 'job#7#2' });
    const kinds = kindsOf(seen({ live: [item], instances: [instance('i-1')], jobs: jobs(pending()) }));
    expect(kinds).not.toContain('unbind-runner');
  });

  it('does not keep the other jobs of its project from being looked for, by a path that GitLab was not asked about', () => {
    const told = { ...pendingJob(), projectPath: 'strangers/project' };
    const live = [runnerItem({ event: told, state: 'WAITING', profile: '' })];
    const { projects } = planRound([], live, emptyMemory, late, 1);
    expect(projects).toEqual([{ projectId: 7, path: null }]);
  });
});

describe('a runner whose launch was never tried', () => {
  const registeredAt = new Date(testStart).toISOString();
  const registered = (changes: Parameters<typeof runnerItem>[0] = {}) =>
    runnerItem({ state: 'REGISTERED', runnerId: 101, ticketId: 'job#7#1', registeredAt, ...changes });
  const repairsAfter = (minutes: number, ...live: readonly RunnerItem[]) =>
    repairsOf(seen({ live, jobs: jobs(pending()) }), testStart + minutes * minute + 1);
  const kindsAfter = (minutes: number, ...live: readonly RunnerItem[]) =>
    repairsAfter(minutes, ...live).map(({ kind }) => kind);

  it('has its launch requested again after two minutes, at no attempt', () => {
    expect(repairsAfter(1, registered())).toEqual([]);
    expect(repairsAfter(2, registered({ attempt: 2, profile: 'large' }))).toMatchObject([
      {
        kind: 'request-launch-again',
        subject: 'job#7#1 attempt 2',
        action: {
          do: 'request-launch',
          request: { projectId: 7, jobId: 1, attempt: 2, profile: 'large', onDemandOnly: false },
        },
      },
    ]);
  });

  it('is asked for on demand alone when its job was interrupted once', () => {
    expect(repairsAfter(2, registered({ onDemandOnly: true }))).toMatchObject([
      { action: { request: { onDemandOnly: true } } },
    ]);
  });

  it('is asked for ever more rarely as long as nothing is tried, and is given up after half an hour', () => {
    const all = seen({ live: [registered()], jobs: jobs(pending()) });
    const kinds = looks(35, all, testStart).map((repairs) => repairs.map((repair) => repair.split(' ')[0]));
    const minutesOf = (kind: string) => kinds.flatMap((some, at) => (some.includes(kind) ? [at] : []));
    expect(minutesOf('request-launch-again')).toEqual([4, 5, 7, 11, 19]);
    expect(minutesOf('abandon-unlaunched-runner')[0]).toBe(32);
  });

  it('is not to be confused with one that waits for capacity, that is a function, or that is older than it seems', () => {
    const tried = registered({ launchTriedAt: new Date(testStart + 16 * minute).toISOString() });
    expect(kindsAfter(20, tried)).toEqual([]);
    expect(kindsAfter(4, registered({ type: 'LAMBDA' }))).toEqual([]);
    expect(kindsAfter(5, registered({ registeredAt: new Date(testStart + 4 * minute).toISOString() }))).toEqual([]);
  });

  it('any more is asked for as well: the launcher gave it up, and nobody heard it', () => {
    const tried = registered({ launchTriedAt: new Date(testStart + 15 * minute).toISOString() });
    expect(kindsAfter(19, tried)).toEqual([]);
    expect(repairsAfter(20, tried)).toMatchObject([
      { kind: 'request-launch-again', reason: 'nobody tries to launch its host any more' },
    ]);
    // The local run is less patient, and its queue is not.
    const hasty = seen({ live: [tried], jobs: jobs(pending()), patience: 0.8 });
    expect(kindsOf(hasty, testStart + 19 * minute)).toEqual([]);
  });

  it('is waited for as long as the deployment says', () => {
    const all = seen({ live: [registered()], jobs: jobs(pending()), patience: 3 });
    expect(kindsOf(all, testStart + 5 * minute)).toEqual([]);
  });

  it('is needed by the job that counts on it, when its own job runs elsewhere, and else by nobody', () => {
    const elsewhere = registered({ jobState: 'RUNNING' });
    const starved = runnerItem({ jobId: 2, state: 'RELEASED' });
    expect(kindsAfter(2, elsewhere, starved)).toContain('request-launch-again');
    const runs = seen({ live: [elsewhere], jobs: jobs(['job#7#1', job('running', 999)]) });
    expect(kindsOf(runs, testStart + 2 * minute)).toEqual(['stop-idle-runner']);
  });
});

describe('a runner that stopped half-way', () => {
  it.each([
    ['ADMITTED', {}, 5, 'abandon-unfinished-start'],
    ['REGISTERED', {}, 30, 'abandon-unlaunched-runner'],
    ['REGISTERED', { type: 'LAMBDA' }, 5, 'abandon-unlaunched-runner'],
    ['LAUNCHED', {}, 10, 'abandon-idle-host'],
    ['LAUNCHED', { type: 'LAMBDA' }, 7, 'abandon-idle-host'],
  ] as const)('in %s %o is abandoned after %i minutes', (state, changes, minutes, kind) => {
    const at = testStart + minutes * minute;
    const item = launched({
      state,
      admittedAt: '2030-01-01T00:00:00.000Z',
      registeredAt: '2030-01-01T00:00:00.000Z',
      launchedAt: '2030-01-01T00:00:00.000Z',
      ...changes,
    });
    const { instanceId, ...bare } = item;
    const live = [state === 'LAUNCHED' && item.type === 'EC2' ? item : bare];
    const all = seen({ live, instances: [instance('i-1')], jobs: jobs(pending()) });
    const kinds = (from: number) => kindsOf(all, from).filter((one) => one.startsWith('abandon'));
    expect(kinds(at - 2 * minute)).toEqual([]);
    expect(kinds(at + 1)).toEqual([kind]);
  });

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const)(
    'in %s is stopped when its own job needs it no more, though another waits that it could run',
    (state) => {
      const idle = launched({ jobState: 'FINISHED', state });
      const starved = runnerItem({ jobId: 2, state: 'RELEASED' });
      const all = seen({ live: [idle, starved], instances: [instance('i-1')], jobs: jobs(pending(2)) });
      expect(kindsOf(all, testStart + 31 * minute)).toContain('stop-idle-runner');
    },
  );

  it.each(['ADMITTED', 'REGISTERED', 'LAUNCHED'] as const)('in %s is abandoned at once when it is over', (state) => {
    const overBecause = { error: 'LambdaRunnerCutOff', message: 'no answer' };
    const live = [launched({ state, type: 'LAMBDA', overBecause })];
    expect(repairsOf(seen({ live, jobs: jobs(pending()) }), testStart + minute)).toMatchObject([
      { kind: 'abandon-ended-attempt', reason: 'no answer', action: { do: 'abandon', error: 'LambdaRunnerCutOff' } },
    ]);
  });

  it.each([
    ['whose token nobody took was never started', 'LAMBDA', 'ticket-1', 'LambdaRunnerNotStarted'],
    ['whose token was taken served nobody', 'LAMBDA', 'ticket-2', 'HostUnused'],
    ['served nobody also when an instance never took its token', 'EC2', 'ticket-1', 'HostUnused'],
  ] as const)('after its time %s', (_, type, id, error) => {
    const { instanceId, ...bare } = launched({ type, ticketId: 'ticket-1' });
    const live = [type === 'EC2' ? { ...bare, instanceId: 'i-1' } : bare];
    const tickets = [{ id, job: bare.pk, expiresAt: (testStart + 60 * minute) / 1_000 }];
    const instances = type === 'EC2' ? [instance('i-1')] : [];
    const all = seen({ live, tickets, instances, jobs: jobs(pending()) });
    expect(repairsOf(all, testStart + 11 * minute)).toMatchObject([{ kind: 'abandon-idle-host', action: { error } }]);
  });

  it('is abandoned by attempt, so that the next one starts with a clean slate', () => {
    const at = testStart + 7 * minute;
    const first = planRepairs(seen({ live: [runnerItem({ admittedAt: '2030-01-01T00:00:00.000Z' })] }), at);
    const second = seen({
      live: [runnerItem({ attempt: 2, admittedAt: '2030-01-01T00:00:00.000Z' })],
      memory: first.memory,
    });
    expect(planRepairs(second, at + minute).repairs).toEqual([]);
  });

  it('while stopping is stopped again after five minutes', () => {
    const stopping = seen({ live: [launched({ state: 'STOPPING', jobState: 'FINISHED' })] });
    const tried = looks(8, stopping).findIndex((repairs) => repairs.length > 0);
    expect(tried).toBe(5);
    expect(looks(6, stopping)[5]).toEqual(['finish-stop job#7#1 attempt 1']);
  });
});

describe('a runner that took its job', () => {
  const running = (changes: Partial<RunnerItem> = {}) =>
    launched({
      state: 'RUNNING',
      takenJob: 'job#7#1',
      jobState: 'RUNNING',
      pickedUpAt: '2030-01-01T00:01:00.000Z',
      ...changes,
    });
  const busy = jobs(['job#7#1', job('running', 101)]);

  it('ends by force when its instance is gone', () => {
    expect(repairsOf(seen({ live: [running()], instances: [], jobs: busy }))).toMatchObject([
      { kind: 'stop-lost-host', action: { do: 'stop', runner: { jobId: 1, attempt: 1, force: true } } },
    ]);
  });

  it.each([
    ['EC2', 60 + 20],
    ['LAMBDA', 15 + 1],
  ] as const)('of type %s ends by force after %i minutes', (type, minutes) => {
    const overdue = testStart + (1 + minutes) * minute;
    const all = seen({ live: [running({ type })], instances: [instance('i-1')], jobs: busy });
    expect(kindsOf(all, overdue - 2 * minute)).toEqual([]);
    expect(kindsOf(all, overdue + 1)).toEqual(['stop-overdue-runner']);
  });

  it('is left as it is while GitLab is away, however long, and ends with the first look after that', () => {
    const lost = seen({ live: [running()], instances: [], isGitLabAway: true });
    expect(looks(40, lost).flat()).toEqual([]);
    let memory = lost.memory;
    for (let pass = 0; pass < 40; pass += 1) memory = planRepairs({ ...lost, memory }, late + pass * minute).memory;
    const back = planRepairs({ ...lost, memory, isGitLabAway: false }, late + 40 * minute);
    expect(back.repairs.map(({ kind }) => kind)).toEqual(['stop-lost-host']);
  });

  it('stays as long as GitLab says that it runs', () => {
    expect(
      kindsOf(seen({ live: [running()], instances: [instance('i-1')], jobs: busy }), testStart + 70 * minute),
    ).toEqual([]);
  });
});

describe('an idle runner', () => {
  it('that no waiting job needs is stopped', () => {
    const spare = launched({ jobState: 'RUNNING', launchedAt: new Date(late).toISOString() });
    expect(repairsOf(seen({ live: [spare], instances: [instance('i-1')] }))).toMatchObject([
      { kind: 'stop-idle-runner', action: { runner: { jobId: 1, force: false } } },
    ]);
  });

  it('stays when a job waits that it can run', () => {
    const spare = launched({ jobState: 'RUNNING', launchedAt: new Date(late).toISOString() });
    const starved = runnerItem({ jobId: 2, state: 'RELEASED' });
    expect(kindsOf(seen({ live: [spare, starved], instances: [instance('i-1')], jobs: jobs(pending(2)) }))).toEqual([]);
  });
});

describe('what nothing accounts for', () => {
  it('stays while it is young: describes and indexes lag', () => {
    const now = new Date(late).toISOString();
    const young = seen({ instances: [instance('i-9', {}, now)], runners: [gitlabRunner(900, false, now)] });
    expect(kindsOf(young)).toEqual([]);
    expect(planRepairs(young, late).findings.unaccounted).toEqual([]);
  });

  it('goes when it is old enough for the deployment’s patience, and looked at far enough apart', () => {
    const launchedAt = new Date(late).toISOString();
    const firstRepair = (patience: number, secondsApart: number) => {
      const strays = seen({ instances: [instance('i-1', {}, launchedAt)], patience });
      let { memory } = strays;
      for (let look = 0; look < 3_000; look += 1) {
        const plan = planRepairs({ ...strays, memory }, late + look * secondsApart * 1_000);
        if (plan.repairs.length > 0) return look * secondsApart;
        memory = plan.memory;
      }
      return undefined;
    };
    expect([1, 2, 0.1].map((patience) => firstRepair(patience, 1))).toEqual([301 + 45, 601 + 90, 31 + 5]);
  });

  it('does not include an instance whose launch is just being given to its jobs', () => {
    const registered = runnerItem({
      state: 'REGISTERED',
      runnerId: 101,
      registeredAt: new Date(late).toISOString(),
      launchGroup: launchGroupOf({ id: 'g', jobs: ['job#7#1'] }),
    });
    const of = (group: string) =>
      seen({ live: [registered], instances: [instance('i-9', { [launchGroupTag]: group })], jobs: jobs(pending()) });
    expect(kindsOf(of('g'))).toEqual([]);
    expect(kindsOf(of('another'))).toEqual(['remove-instance']);
  });

  it('includes the instance of an attempt that was abandoned', () => {
    const failed = launched({ state: 'FAILED', stoppedAt: new Date(late).toISOString() });
    expect(kindsOf(seen({ live: [failed], instances: [instance('i-1')], jobs: jobs(pending()) }))).toEqual([
      'remove-instance',
    ]);
  });

  it('is left alone and told of when a person holds it back', () => {
    const held = seen({ instances: [instance('i-9', { [holdTag]: 'for a look' })] });
    expect(looks(5, held).flat()).toEqual([]);
    expect(planRepairs(held, late).findings).toMatchObject({ held: ['i-9'], unaccounted: [] });
  });

  it('stays while a runner of ours works of which nobody knows the host', () => {
    const working = seen({ instances: [instance('i-9')], runners: [gitlabRunner(900, true)] });
    expect(kindsOf(working)).toEqual([]);
    expect(planRepairs(working, late).findings.unaccounted).toEqual(['instance i-9', 'runner 900']);
  });

  it('stays while GitLab cannot be asked who works', () => {
    expect(kindsOf(seen({ instances: [instance('i-9')], runners: null }))).toEqual([]);
  });

  it('includes tickets whose host will not come, and not those of live runners', () => {
    const ticket = (id: string, of: JobKey) => ({ id, job: of, expiresAt: 1 });
    const tickets = [ticket('i-1', 'job#7#1'), ticket('i-8', 'job#7#8')];
    const live = [launched({ launchedAt: new Date(late).toISOString() })];
    const all = seen({ live, instances: [instance('i-1')], tickets, jobs: jobs(pending()) });
    expect(looks(4, all).flat()).toEqual(['remove-ticket i-8', 'remove-ticket i-8']);
  });
});

it('tells of counters that differ from the live items', () => {
  const caps = [{ counter: 'cap#deployment', limit: 5 }];
  const live = [
    launched({ caps, launchedAt: new Date(late).toISOString() }),
    runnerItem({ jobId: 2, state: 'WAITING', caps }),
  ];
  const drifted = (taken: number) =>
    planRepairs(seen({ live, places: new Map([['cap#deployment', taken]]) }), late).findings.driftedCounters;
  expect(drifted(1)).toEqual([]);
  expect(drifted(2)).toEqual(['cap#deployment: 2 instead of 1']);
});
