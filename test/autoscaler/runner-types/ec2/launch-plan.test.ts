import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LaunchGroup, type RunnerItem, runnerStates } from '../../../../autoscaler/runner-store/runner-item.ts';
import { bootSettingsOf } from '../../../../autoscaler/runner-types/ec2/boot-script.ts';
import {
  clientTokenOf,
  groupLifeSeconds,
  type LaunchPlan,
  pairInstances,
  planLaunches,
  type SeenRequest,
} from '../../../../autoscaler/runner-types/ec2/launch-plan.ts';
import { defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { ec2ProfileSchema } from '../../../../infrastructure/deployment/profiles/ec2-profile.ts';
import { jobKeyOf } from '../../../../infrastructure/kit/job-key.ts';
import { hostRoleId, launchGroupOf, runnerItem, testStart } from '../../../support/builders.ts';
import { launchSource } from './launch-world.ts';

const ec2Profile = ec2ProfileSchema.parse({ type: 'EC2' });
const group = (id: string, ...jobIds: number[]): LaunchGroup =>
  launchGroupOf({ id, jobs: jobIds.map((jobId) => jobKeyOf({ projectId: 7, jobId })) });

function seen(jobId: number, changes: Partial<RunnerItem> = {}, profile = 'default'): SeenRequest {
  return {
    messageId: `message-${jobId}`,
    request: { projectId: 7, jobId, attempt: 1, profile },
    item: runnerItem({ jobId, state: 'REGISTERED', ...changes }),
  };
}

/** What the profiles are launched from; "gone" was not deployed. */
const sourceOf = (profile: string) => (profile === 'gone' ? null : launchSource({ launchTemplateId: `lt-${profile}` }));

/** Plans with the group ids new-1, new-2, ... */
function planAt(now: number, ...messages: SeenRequest[]) {
  let ids = 0;
  const newGroupId = () => {
    ids += 1;
    return `new-${ids}`;
  };
  return planLaunches(messages, { newGroupId, sourceOf, now });
}
const plan = (...messages: SeenRequest[]) => planAt(testStart, ...messages);
const membersOf = ({ fresh }: LaunchPlan) => fresh.map(({ members }) => members.map(({ job }) => job));

describe('planLaunches', () => {
  it('makes one group of all requests of a profile, whatever order they come in', () => {
    const { fresh } = plan(seen(3), seen(1), seen(2));
    expect(fresh).toMatchObject([
      {
        group: {
          id: 'new-1',
          jobs: ['job#7#1', 'job#7#2', 'job#7#3'],
          profile: 'default',
          begunAt: '2030-01-01T00:00:00.000Z',
        },
        members: [{ attempt: 1 }, { attempt: 1 }, { attempt: 1 }],
      },
    ]);
    expect(plan(seen(1), seen(2), seen(3)).fresh).toEqual(fresh);
  });

  it('makes a group for each profile', () => {
    const { fresh } = plan(seen(1), seen(2, {}, 'large'), seen(3));
    expect(
      fresh.map(({ group: { profile, jobs, source } }) => [profile, jobs.length, source.launchTemplateId]),
    ).toEqual([
      ['default', 2, 'lt-default'],
      ['large', 1, 'lt-large'],
    ]);
    expect(new Set(fresh.map(({ group: { id } }) => id)).size).toBe(2);
  });

  it('keeps jobs that may only run on demand apart, whether their item or their message says so', () => {
    const byMessage = { ...seen(3), request: { ...seen(3).request, onDemandOnly: true } };
    const { fresh } = plan(seen(1), seen(2, { onDemandOnly: true }), byMessage);
    expect(fresh.map(({ group: { jobs, source } }) => [jobs, source.onDemand])).toEqual([
      [['job#7#1'], 'fallback'],
      [['job#7#2', 'job#7#3'], 'always'],
    ]);
  });

  it('keeps each attempt beside its job', () => {
    const second = { ...seen(1, { attempt: 2 }), request: { projectId: 7, jobId: 1, attempt: 2, profile: 'default' } };
    expect(plan(seen(2), second).fresh).toMatchObject([
      {
        members: [
          { job: 'job#7#1', attempt: 2 },
          { job: 'job#7#2', attempt: 1 },
        ],
      },
    ]);
  });

  it('gives a group of one the tags of its job, and a group of more none', () => {
    const tags = {
      'gitlab-runners-on-demand:project': 'group/project',
      'gitlab-runners-on-demand:pipeline': '50',
      'gitlab-runners-on-demand:job': '1',
    };
    expect(plan(seen(1)).fresh[0]?.group.jobTags).toEqual(tags);
    expect(plan(seen(1), seen(2)).fresh[0]?.group).not.toHaveProperty('jobTags');
  });

  it('finishes a group that was begun, once, and begins no other with its jobs', () => {
    const begun = group('g', 1, 2, 9);
    const planned = plan(seen(1, { launchGroup: begun }), seen(2, { launchGroup: begun }), seen(3));
    expect(planned.begun).toEqual([begun]);
    expect(membersOf(planned)).toEqual([['job#7#3']]);
  });

  it('finishes a group that was begun although its profile is deployed no more', () => {
    expect(plan(seen(1, { launchGroup: group('g', 1) }, 'gone'))).toMatchObject({
      begun: [{ id: 'g' }],
      fresh: [],
      undeployed: [],
    });
  });

  it('begins another group in place of one whose hosts wait no more', () => {
    const old = group('g', 1, 2);
    const late = planAt(testStart + groupLifeSeconds * 1_000, seen(1, { launchGroup: old }), seen(3));
    expect(late.begun).toEqual([]);
    expect(late.expired).toEqual([old]);
    expect(late.fresh).toMatchObject([
      {
        members: [
          { job: 'job#7#1', over: old },
          { job: 'job#7#3', over: undefined },
        ],
      },
    ]);
    expect(planAt(testStart + groupLifeSeconds * 1_000 - 1, seen(1, { launchGroup: old })).begun).toEqual([old]);
  });

  it('of a version whose hosts had no names of their own to claim tickets by is made anew at once', () => {
    const { hostRoleId: _, ...source } = launchSource();
    const older = launchGroupOf({ id: 'older', begunAt: new Date(testStart).toISOString(), source: source as never });
    const { begun, expired, fresh } = planAt(testStart, seen(1, { launchGroup: older }));
    expect([begun, expired]).toEqual([[], [older]]);
    expect(fresh.map(({ group }) => group.source.hostRoleId)).toEqual([hostRoleId]);
  });

  it('gives a group up while its hosts without a ticket still wait for one', () => {
    const { claimSeconds } = bootSettingsOf(defineDeployment({}), ec2Profile, {
      ticketsTable: 't',
      roleId: 'AROAFAKE',
      logGroup: 'l',
    });
    expect(groupLifeSeconds).toBeLessThan(claimSeconds);
  });

  it.each(['STOPPING', 'RELEASED', 'FAILED'] as const)(
    'looks again at the group of a job that was %s before it was given its instance: somebody may have launched it',
    (state) => {
      const launchGroup = group('g', 1);
      expect(plan(seen(1, { state, launchGroup }))).toMatchObject({ begun: [launchGroup], fresh: [] });
      expect(plan(seen(1, { state, launchGroup, instanceId: 'i-1' }))).toMatchObject({ begun: [], fresh: [] });
      expect(planAt(testStart + 600_000, seen(1, { state, launchGroup }))).toMatchObject({ begun: [], fresh: [] });
    },
  );

  it.each(runnerStates.filter((state) => state !== 'REGISTERED'))(
    'has nothing to launch for a job that is %s',
    (state) => {
      const message = seen(1, { state });
      expect(plan(message)).toEqual({ settled: [message], begun: [], expired: [], fresh: [], undeployed: [] });
    },
  );

  it('has nothing to launch for a job that is gone, or at another attempt', () => {
    const gone = { ...seen(1), item: null };
    const later = seen(2, { attempt: 2, launchGroup: group('g', 2) });
    expect(plan(gone, later)).toEqual({ settled: [gone, later], begun: [], expired: [], fresh: [], undeployed: [] });
  });

  it('takes a job whose message came twice once', () => {
    const twice = { ...seen(1), messageId: 'another message' };
    expect(plan(seen(1), twice).fresh).toMatchObject([{ group: { jobs: ['job#7#1'] }, members: [{ attempt: 1 }] }]);
  });

  it('names the requests whose profile was not deployed', () => {
    expect(plan(seen(1, {}, 'gone'), seen(2))).toMatchObject({
      undeployed: [{ jobId: 1 }],
      fresh: [{ members: [{}] }],
    });
  });

  it('does without any message', () => {
    expect(plan()).toEqual({ settled: [], begun: [], expired: [], fresh: [], undeployed: [] });
  });

  it('forgets no message', () => {
    const anyMessage = fc
      .record({
        jobId: fc.integer({ min: 1, max: 6 }),
        state: fc.constantFrom(...runnerStates),
        begun: fc.boolean(),
        profile: fc.constantFrom('default', 'large', 'gone'),
      })
      .map(({ jobId, state, begun, profile }) =>
        seen(jobId, { state, ...(begun ? { launchGroup: group(`g${jobId}`, jobId) } : {}) }, profile),
      );
    fc.assert(
      fc.property(fc.array(anyMessage), (messages) => {
        const { settled, begun, fresh, undeployed } = plan(...messages);
        const planned = [...begun, ...fresh.map(({ group: one }) => one)].flatMap(({ jobs }) => jobs);
        for (const message of messages) {
          const isPlanned = planned.includes(jobKeyOf(message.request)) || undeployed.includes(message.request);
          expect(settled.includes(message) || isPlanned).toBe(true);
        }
        for (const one of fresh) expect(new Set(one.group.jobs).size).toBe(one.group.jobs.length);
      }),
    );
  });
});

describe('clientTokenOf', () => {
  const parameters = { count: 2, source: { subnetIds: ['subnet-1'], onDemand: 'never' } };
  const token = clientTokenOf('ci', group('g', 1, 2), 'spot', parameters);

  it('is the same for the same launch, also read back from a table, and what EC2 takes', () => {
    const { count, ...rest } = parameters;
    expect(clientTokenOf('ci', group('g', 1, 2), 'spot', { ...rest, maxPriceUsd: undefined, count })).toBe(token);
    expect(token).toMatch(/^[\x21-\x7e]{32,64}$/);
  });

  it.each([
    ['deployment', clientTokenOf('ci-west', group('g', 1, 2), 'spot', parameters)],
    ['group', clientTokenOf('ci', group('h', 1, 2), 'spot', parameters)],
    ['set of jobs', clientTokenOf('ci', group('g', 1, 3), 'spot', parameters)],
    ['lifecycle', clientTokenOf('ci', group('g', 1, 2), 'on-demand', parameters)],
    ['parameter', clientTokenOf('ci', group('g', 1, 2), 'spot', { ...parameters, count: 1 })],
  ])('is another one for another %s', (_, other) => {
    expect(other).not.toBe(token);
  });
});

describe('pairInstances', () => {
  it('pairs by order', () => {
    expect(pairInstances(group('g', 1, 2), ['i-1', 'i-2'])).toEqual({
      pairs: [
        { job: 'job#7#1', instanceId: 'i-1' },
        { job: 'job#7#2', instanceId: 'i-2' },
      ],
      unserved: [],
      surplus: [],
    });
  });

  it('says who has none', () => {
    expect(pairInstances(group('g', 1, 2, 3), ['i-1'])).toMatchObject({
      pairs: [{ job: 'job#7#1', instanceId: 'i-1' }],
      unserved: ['job#7#2', 'job#7#3'],
      surplus: [],
    });
    expect(pairInstances(group('g', 1), [])).toEqual({ pairs: [], unserved: ['job#7#1'], surplus: [] });
  });

  it('says which instance nobody needs', () => {
    expect(pairInstances(group('g', 1), ['i-1', 'i-2'])).toMatchObject({ unserved: [], surplus: ['i-2'] });
  });

  it('gives every job one instance or none, and every instance one job or none', () => {
    const counts = fc.tuple(fc.nat({ max: 10 }), fc.nat({ max: 12 }));
    fc.assert(
      fc.property(counts, ([jobs, instances]) => {
        const one = group('g', ...Array.from({ length: jobs }, (_, index) => index + 1));
        const ids = Array.from({ length: instances }, (_, index) => `i-${index}`);
        const { pairs, unserved, surplus } = pairInstances(one, ids);
        expect([...pairs.map(({ job }) => job), ...unserved]).toEqual(one.jobs);
        expect([...pairs.map(({ instanceId }) => instanceId), ...surplus]).toEqual(ids);
      }),
    );
  });
});
