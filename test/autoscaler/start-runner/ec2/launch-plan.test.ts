import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LaunchGroup, type RunnerItem, runnerStates } from '../../../../autoscaler/runners/runner-item.ts';
import {
  clientTokenOf,
  pairInstances,
  planLaunches,
  type SeenRequest,
} from '../../../../autoscaler/start-runner/ec2/launch-plan.ts';
import { jobKeyOf } from '../../../../infrastructure/lib/job-key.ts';
import { runnerItem } from '../../../support/builders.ts';

const group = (id: string, ...jobIds: number[]): LaunchGroup => ({
  id,
  jobs: jobIds.map((jobId) => jobKeyOf({ projectId: 7, jobId })),
});

function seen(jobId: number, changes: Partial<RunnerItem> = {}, profile = 'default'): SeenRequest {
  return {
    messageId: `message-${jobId}`,
    request: { projectId: 7, jobId, attempt: 1, profile },
    item: runnerItem({ jobId, state: 'REGISTERED', ...changes }),
  };
}

/** Plans with the group ids new-1, new-2, ... */
function plan(...messages: SeenRequest[]) {
  let ids = 0;
  return planLaunches(messages, () => {
    ids += 1;
    return `new-${ids}`;
  });
}

describe('planLaunches', () => {
  it('makes one group of all requests of a profile, whatever order they come in', () => {
    const expected = { profile: 'default', group: group('new-1', 1, 2, 3), attempts: [1, 1, 1] };
    expect(plan(seen(3), seen(1), seen(2)).fresh).toEqual([expected]);
    expect(plan(seen(1), seen(2), seen(3)).fresh).toEqual([expected]);
  });

  it('makes a group for each profile', () => {
    const { fresh } = plan(seen(1), seen(2, {}, 'large'), seen(3));
    expect(fresh.map(({ profile, group: { jobs } }) => [profile, jobs.length])).toEqual([
      ['default', 2],
      ['large', 1],
    ]);
    expect(new Set(fresh.map(({ group: { id } }) => id)).size).toBe(2);
  });

  it('keeps each attempt beside its job', () => {
    const second = { ...seen(1, { attempt: 2 }), request: { projectId: 7, jobId: 1, attempt: 2, profile: 'default' } };
    expect(plan(seen(2), second).fresh).toMatchObject([{ group: group('new-1', 1, 2), attempts: [2, 1] }]);
  });

  it('finishes a group that was begun, once, and begins no other with its jobs', () => {
    const begun = group('g', 1, 2, 9);
    const { fresh, begun: groups } = plan(seen(1, { launchGroup: begun }), seen(2, { launchGroup: begun }), seen(3));
    expect(groups).toEqual([begun]);
    expect(fresh.flatMap(({ group: { jobs } }) => jobs)).toEqual(['job#7#3']);
  });

  it.each(runnerStates.filter((state) => state !== 'REGISTERED'))(
    'has nothing to launch for a job that is %s',
    (state) => {
      const message = seen(1, { state, launchGroup: group('g', 1) });
      expect(plan(message)).toEqual({ settled: [message], begun: [], fresh: [] });
    },
  );

  it('has nothing to launch for a job that is gone, or at another attempt', () => {
    const gone = { ...seen(1), item: null };
    const later = seen(2, { attempt: 2, launchGroup: group('g', 2) });
    expect(plan(gone, later)).toEqual({ settled: [gone, later], begun: [], fresh: [] });
  });

  it('takes a job whose message came twice once', () => {
    const twice = { ...seen(1), messageId: 'another message' };
    expect(plan(seen(1), twice).fresh).toMatchObject([{ group: group('new-1', 1), attempts: [1] }]);
  });

  it('does without any message', () => {
    expect(plan()).toEqual({ settled: [], begun: [], fresh: [] });
  });

  it('forgets no message', () => {
    const anyMessage = fc
      .record({
        jobId: fc.integer({ min: 1, max: 6 }),
        state: fc.constantFrom(...runnerStates),
        begun: fc.boolean(),
        profile: fc.constantFrom('default', 'large'),
      })
      .map(({ jobId, state, begun, profile }) =>
        seen(jobId, { state, ...(begun ? { launchGroup: group(`g${jobId}`, jobId) } : {}) }, profile),
      );
    fc.assert(
      fc.property(fc.array(anyMessage), (messages) => {
        const { settled, begun, fresh } = plan(...messages);
        const planned = [...begun, ...fresh.map(({ group: one }) => one)].flatMap(({ jobs }) => jobs);
        for (const message of messages) {
          expect(settled.includes(message) || planned.includes(jobKeyOf(message.request))).toBe(true);
        }
        for (const one of fresh) expect(new Set(one.group.jobs).size).toBe(one.group.jobs.length);
      }),
    );
  });
});

describe('clientTokenOf', () => {
  const parameters = { count: 2, subnetIds: ['subnet-1'] };
  const token = clientTokenOf('ci', group('g', 1, 2), 'spot', parameters);

  it('is the same for the same launch, and what EC2 takes', () => {
    expect(clientTokenOf('ci', group('g', 1, 2), 'spot', { ...parameters })).toBe(token);
    expect(token).toMatch(/^[\x21-\x7e]{32,64}$/);
  });

  it.each([
    ['deployment', clientTokenOf('ci-west', group('g', 1, 2), 'spot', parameters)],
    ['group', clientTokenOf('ci', group('h', 1, 2), 'spot', parameters)],
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
