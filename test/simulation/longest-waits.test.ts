import { expect, it } from 'vitest';
import { jobMapping } from '../support/builders.ts';
import { createRandom, seedOf } from './random.ts';
import { runSchedule } from './run-schedule.ts';
import { type FaultKind, projectIds, type Schedule, type Settings, type Trouble } from './schedule.ts';

/** A deployment without caps that runs jobs on hosts, and those with the tag "shell" in a function. */
const settings: Settings = {
  reconciler: true,
  maxAttempts: 3,
  maxConcurrent: undefined,
  profiles: {
    default: { type: 'EC2', timeoutMinutes: 30 },
    shell: {
      type: 'LAMBDA',
      timeoutMinutes: 13,
      functionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:shell',
    },
  },
  onDemand: 'fallback',
  mappings: [
    jobMapping({ tags: ['docker'] }),
    jobMapping({ tags: ['shell'], target: { type: 'LAMBDA', profile: 'shell' } }),
  ],
  cancelsAtOnce: true,
  writesLate: false,
};
const runs = 25;
const troubledRuns = 15;

/**
 * A job alone in an idle deployment, which comes at any moment between the reconciler's looks, and what goes wrong with
 * it.
 */
function oneJob(seed: number, name: 'build' | 'lint', faults: readonly FaultKind[]): Schedule {
  const pendingAt = createRandom(seedOf(seed, 'longest waits')).whole(0, 600);
  const job = {
    index: 0,
    projectId: projectIds[0],
    name,
    tags: [name === 'lint' ? 'shell' : 'docker'],
    createdAt: pendingAt,
    pendingAt,
    durationSeconds: 60,
    result: 'success',
    canceledAt: null,
    retried: false,
  } as const;
  return { seed, settings, jobs: [job], faults: faults.map((fault, index) => ({ index, ...fault })) };
}

async function longestWaitSeconds(
  name: 'build' | 'lint',
  fault: FaultKind | null,
  others: readonly FaultKind[] = [],
): Promise<number> {
  const waits: number[] = [];
  const all = fault ? [fault, ...others] : others;
  for (let seed = 1; seed <= runs; seed += 1) {
    const { violation, faults: struck, worstWaitSeconds } = await runSchedule(oneJob(seed, name, all));
    expect(violation).toBeNull();
    if (fault) expect([...struck.keys()]).toContain(fault.kind);
    waits.push(worstWaitSeconds);
  }
  return Math.max(...waits);
}

const died = (task: number) => ({ kind: 'workflow-died', nth: 1, task }) as const;
const launcherDied = (call: number, moment: 'before' | 'after') =>
  ({ kind: 'lambda-crashed', lambda: 'launchInstances', nth: 1, call, moment }) as const;

/** As PROMISES.md says; a boot of up to 25 s is part of each. */
const bounds: readonly (readonly [what: string, minutes: number, name: 'build' | 'lint', fault: FaultKind | null])[] = [
  ['nothing goes wrong', 1, 'build', null],
  ['its hook is lost', 7, 'build', { kind: 'hook-lost', job: 0, status: 'pending' }],
  ['its event is lost', 7, 'build', { kind: 'event-lost', nth: 1 }],
  ['its start dies before it is admitted', 7, 'build', died(2)],
  ['its start dies before its runner is registered', 8, 'build', died(3)],
  ['its start dies before its launch is requested', 5, 'build', died(4)],
  ['its start dies before its function is invoked', 8, 'lint', died(4)],
  ['its launcher dies before it wrote anything', 3, 'build', launcherDied(2, 'before')],
  ['its launcher dies before EC2 is asked', 3, 'build', launcherDied(3, 'before')],
  ['its launcher dies before it gave the instance away', 3, 'build', launcherDied(5, 'before')],
  ['its host never boots', 13, 'build', { kind: 'boot-dead', nth: 1 }],
  ['its host loses the token on the way', 5, 'build', { kind: 'claim-lost', nth: 1 }],
  ['its runner is paused in GitLab by somebody', 3, 'build', { kind: 'runner-paused', nth: 1, seconds: 1 }],
  ['its function fails at once', 1, 'lint', { kind: 'function-failed', nth: 1 }],
];

it.each(bounds)('when %s, a job waits for less than %i min', async (_, minutes, name, fault) => {
  const seconds = await longestWaitSeconds(name, fault);
  expect(seconds).toBeLessThan(minutes * 60);
  // And not by minutes that nobody would notice.
  expect(seconds).toBeGreaterThan((minutes - 3) * 60);
});

/** A boot in the middle of those of this model, which take from 8 s to 25 s. */
const boot: FaultKind = { kind: 'boot-slow', nth: 1, seconds: 16 };

/**
 * GitLab tells of the job that waits in the words of another state: no `pending` ever comes. The start of a function
 * takes up to 6 s here.
 */
const words: readonly (readonly [how: 'as-created' | 'as-running', name: 'build' | 'lint', seconds: number])[] = [
  ['as-created', 'build', 30],
  ['as-created', 'lint', 12],
  ['as-running', 'build', 30],
  ['as-running', 'lint', 12],
];

it.each(words)('whose hook tells of it %s, a job called %s waits for less than %i s', async (how, name, seconds) => {
  const others = name === 'build' ? [boot] : [];
  const longest = await longestWaitSeconds(name, { kind: 'hook-stale', job: 0, status: 'pending', how }, others);
  expect(longest).toBeLessThan(seconds);
  // The right word is worth no more than a moment.
  expect(longest - (await longestWaitSeconds(name, null, others))).toBeLessThan(0.5);
});

type NamedTrouble = readonly [what: string, minutes: number, name: 'build' | 'lint', trouble: Trouble];

const trouble = (kind: Exclude<Trouble['kind'], `${string}-limited`>, seconds: number) => ({ kind, from: 0, seconds });
const none = (kind: Extract<Trouble['kind'], `${string}-limited`>, seconds: number) => ({
  kind,
  from: 0,
  seconds,
  most: 0,
});

/**
 * How long a job waits after the end of what was in its way. A pass of the reconciler comes within 62 s. Its first look
 * is due up to 30 s after the workflow's last one in vain, each further one with the next pass, or after two minutes
 * where each look makes a runner in GitLab (`waits.ts`). While GitLab is away, whatever needs it is put off, and due
 * with the first pass that reaches it. A boot of up to 25 s follows. Where our own functions or tables fail, what they
 * lose is found as any other loss is.
 */
const afterTrouble: readonly NamedTrouble[] = [
  ['GitLab was away for a quarter of a minute', 2, 'build', trouble('gitlab-down', 15)],
  ['GitLab was away for three minutes', 3, 'build', trouble('gitlab-down', 180)],
  ['GitLab was away for three minutes', 3, 'lint', trouble('gitlab-down', 180)],
  ['GitLab was away for half an hour', 3, 'build', trouble('gitlab-down', 1_800)],
  ['GitLab took no more calls', 3, 'build', none('calls-limited', 300)],
  ['GitLab took no more runners', 3, 'build', none('runners-limited', 600)],
  ['GitLab took no more runners', 3, 'lint', none('runners-limited', 600)],
  ['GitLab refused the token, and the right one was stored', 3, 'build', trouble('token-refused', 300)],
  ['the token was changed, and the old one ended at once', 1, 'build', trouble('token-refused', 0)],
  ['its mapping named a profile that was not deployed', 3, 'build', trouble('mapping-wrong', 300)],
  ['the account had no instance left', 4, 'build', none('instances-limited', 1_800)],
  ['the account had no execution left for its function', 3, 'lint', trouble('functions-throttled', 400)],
  ['the account had no execution left for anything', 7, 'build', trouble('lambda-throttled', 30)],
  ['DynamoDB throttled', 7, 'build', trouble('tables-busy', 60)],
];

it.each(afterTrouble)('once %s, a job has its runner within %i min', async (_, minutes, name, { ...fault }) => {
  const waits: number[] = [];
  for (let seed = 1; seed <= troubledRuns; seed += 1) {
    const random = createRandom(seedOf(seed, 'after trouble'));
    const { jobs, ...schedule } = oneJob(seed, name, []);
    const [{ pendingAt = 0 } = {}] = jobs;
    // It begins when the job has just asked, or is over when it did so for long.
    const from = Math.max(0, (pendingAt ?? 0) + random.whole(-Math.min(fault.seconds, 240), 6));
    const report = await runSchedule({ ...schedule, jobs, faults: [{ index: 0, ...fault, from }] });
    expect(report.violation).toBeNull();
    waits.push(report.worstWaitAfterTroubleSeconds);
  }
  const longest = Math.max(...waits);
  expect(longest).toBeLessThan(minutes * 60);
  expect(longest).toBeGreaterThan((minutes - 3) * 60);
});
