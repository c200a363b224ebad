import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { readJobHook } from '../../../infrastructure/ingest/job-hook.ts';
import { jobEventSchema } from '../../../infrastructure/kit/job-event.ts';
import {
  createdJobBody,
  finishedJobBody,
  jobHookBody,
  newestJobHookBody,
  oldJobHookBody,
  runningJobBody,
  staleJobHookBody,
} from './job-hook-bodies.ts';

const arrival = { receivedAt: '2026-09-21T02:41:38.500Z', deliveryId: 'delivery-1' };

function eventOf(body: unknown) {
  const hook = readJobHook(body, arrival);
  if (hook.kind !== 'event') throw new Error(`ignored: ${hook.reason}`);
  return hook;
}

function reasonOf(body: unknown) {
  const hook = readJobHook(body, arrival);
  return hook.kind === 'ignored' ? hook.reason : `not ignored: ${hook.type}`;
}

describe('a job hook of today', () => {
  test('becomes an event with what we need, and nothing that names a person', () => {
    expect(eventOf(jobHookBody())).toEqual({
      kind: 'event',
      type: 'Job Pending',
      event: {
        jobId: 1977,
        projectId: 380,
        jobName: 'test',
        stage: 'verify',
        status: 'pending',
        projectPath: 'group/project',
        pipelineId: 2366,
        ref: 'main',
        runnerId: null,
        occurredAt: arrival.receivedAt,
        receivedAt: arrival.receivedAt,
        failureReason: null,
        deliveryId: 'delivery-1',
      },
    });
  });

  test('tells of a running job who runs it and since when', () => {
    const { type, event } = eventOf(runningJobBody());
    expect({ type, ...event }).toMatchObject({
      type: 'Job Running',
      runnerId: 9171,
      occurredAt: '2026-09-21T02:42:01.000Z',
    });
  });

  test.each(['success', 'failed', 'canceled'])('tells that a job with status %s is over, and since when', (status) => {
    const { type, event } = eventOf(finishedJobBody({ build_status: status }));
    expect({ type, ...event }).toMatchObject({
      type: 'Job Finished',
      status,
      occurredAt: '2026-09-21T02:44:30.000Z',
    });
  });

  test('has a failure reason only when the job failed', () => {
    const withReason = { build_failure_reason: 'script_failure' };
    expect(eventOf(finishedJobBody({ ...withReason, build_status: 'failed' })).event.failureReason).toBe(
      'script_failure',
    );
    expect(eventOf(finishedJobBody({ ...withReason, build_status: 'success' })).event.failureReason).toBeNull();
    expect(eventOf(jobHookBody(withReason)).event.failureReason).toBeNull();
  });

  test('of a job canceled while pending has neither runner nor times of the job', () => {
    const { event } = eventOf(jobHookBody({ build_status: 'canceled' }));
    expect(event).toMatchObject({ runnerId: null, occurredAt: arrival.receivedAt });
  });

  test('prefers the times in ISO 8601', () => {
    const body = runningJobBody({ build_started_at: '2026-09-21 10:00:00 +0800', build_started_at_iso: null });
    expect(eventOf(body).event.occurredAt).toBe('2026-09-21T02:00:00.000Z');
    const both = { ...body, build_started_at_iso: '2026-09-21T02:00:05Z' };
    expect(eventOf(both).event.occurredAt).toBe('2026-09-21T02:00:05.000Z');
  });
});

describe('a job hook of the newest GitLab', () => {
  test('says since when a job waits', () => {
    expect(eventOf(newestJobHookBody()).event.occurredAt).toBe('2026-09-21T02:41:36.000Z');
    const body = newestJobHookBody({ build_status_changed_at_iso: undefined });
    expect(eventOf(body).event.occurredAt).toBe('2026-09-21T02:41:36.250Z');
    const unknown = newestJobHookBody({ build_status_changed_at: null, build_status_changed_at_iso: null });
    expect(eventOf(unknown).event.occurredAt).toBe(arrival.receivedAt);
  });

  test('says it of a job that runs or is over where no time of its own says so', () => {
    const changed = { build_status_changed_at_iso: '2026-09-21T02:50:00Z', build_started_at: null };
    const body = { ...runningJobBody(changed), build_started_at_iso: null };
    expect(eventOf(body).event.occurredAt).toBe('2026-09-21T02:50:00.000Z');
    expect(eventOf(runningJobBody(changed)).event.occurredAt).toBe('2026-09-21T02:42:01.000Z');
    const over = finishedJobBody({ ...changed, build_finished_at: null, build_finished_at_iso: null });
    expect(eventOf(over).event.occurredAt).toBe('2026-09-21T02:50:00.000Z');
  });

  test('keeps its word, also while the pipeline runs: a job that it calls created does not wait', () => {
    const running = staleJobHookBody({ build_status_changed_at: '2026-09-21T02:41:36.250Z' });
    expect(reasonOf(running)).toMatch(/"created"/);
    expect(reasonOf(staleJobHookBody({ build_status_changed_at_iso: null }))).toMatch(/"created"/);
  });
});

describe('a hook that tells of the state before, of a job that may wait by now', () => {
  test('is worth a question to GitLab as soon as the pipeline has begun', () => {
    const smallest = {
      object_kind: 'build',
      build_id: 1,
      build_status: 'created',
      project_id: 2,
      commit: { status: 'running', started_at: '2022-03-24 02:08:31 UTC' },
    };
    const { type, event } = eventOf(smallest);
    expect({ type, ...event }).toMatchObject({
      type: 'Job Pending',
      status: 'created',
      jobId: 1,
      projectId: 2,
      runnerId: null,
      occurredAt: arrival.receivedAt,
    });
  });

  test.each([
    ['waits for a runner', { status: 'pending' }],
    ['runs', { status: 'running' }],
    ['is over, and the job is retried', { status: 'success' }],
    ['says no more than that it has begun', { started_at: '2022-03-24 02:08:31 UTC' }],
  ])('of a pipeline that %s', (_what, commit) => {
    expect(eventOf(staleJobHookBody({ commit })).type).toBe('Job Pending');
  });

  test.each(['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'scheduled', 'manual', 'skipped'])(
    'in any word for that state: %s',
    (build_status) => {
      expect(eventOf(staleJobHookBody({ build_status })).event).toMatchObject({ status: build_status });
    },
  );

  test('starts nothing in a pipeline that has not begun, or of which nothing is said', () => {
    for (const commit of [{ status: 'created', started_at: null }, {}, null, undefined, 'created', { status: '' }]) {
      expect(reasonOf(staleJobHookBody({ commit }))).toMatch(/"created"/);
    }
  });

  test('may say that the job runs, and not on whose runner', () => {
    const { type, event } = eventOf(runningJobBody({ runner: null }));
    expect({ type, ...event }).toMatchObject({
      type: 'Job Pending',
      status: 'running',
      occurredAt: arrival.receivedAt,
    });
  });
});

/** Which fields GitLab has sent, from 8 to 19, and what it has put into those that vary. */
const anyVersion = fc.record(
  {
    build_id: fc.constantFrom(1977, '1977'),
    commit: fc.constantFrom(null, {}, { id: 2366 }, ...pipelineStates(['created', 'pending', 'running', 'success'])),
    runner: fc.constantFrom(null, undefined, { description: 'one' }, { id: 9171 }, { id: 9171, tags: null }),
    project: fc.constantFrom(undefined, { id: 380, path_with_namespace: 'group/project' }),
    pipeline_id: fc.constantFrom(undefined, 2366),
    build_started_at: fc.constantFrom(undefined, null, '2016-09-28 10:00:00 +0800', '2016-09-28 10:00:00 UTC'),
    build_status_changed_at: fc.constantFrom(null, '2026-09-21T02:41:36.250Z'),
    environment: fc.constantFrom(undefined, null, 'production', { name: 'production', action: 'start' }),
    build_failure_reason: fc.constantFrom(undefined, null, 'unknown_failure'),
  },
  { requiredKeys: ['build_id', 'commit', 'runner'] },
);

function pipelineStates(statuses: readonly string[]) {
  return statuses.flatMap((status) => [
    { id: 2366, status },
    { id: 2366, status, started_at: status === 'created' ? null : '2022-03-24 02:08:31 UTC' },
  ]);
}

describe('a job hook of any version', () => {
  const kindOf = (body: unknown) => {
    const hook = readJobHook(body, arrival);
    return hook.kind === 'event' ? hook.type : 'ignored';
  };

  test('that says pending always asks for a runner', () => {
    fc.assert(
      fc.property(anyVersion, (changes) => {
        const { event, type } = eventOf(jobHookBody({ ...changes, build_status: 'pending' }));
        expect({ type, runnerId: event.runnerId }).toEqual({ type: 'Job Pending', runnerId: null });
      }),
    );
  });

  test('that says created asks for none exactly where the job cannot wait: no pipeline that has begun, or a GitLab that keeps its word', () => {
    const told = new Set<string>();
    fc.assert(
      fc.property(anyVersion, (changes) => {
        const { commit } = changes;
        const state = commit && 'status' in commit ? commit.status : 'created';
        const expected = state === 'created' || 'build_status_changed_at' in changes ? 'ignored' : 'Job Pending';
        told.add(expected);
        expect(kindOf(oldJobHookBody({ ...changes, build_status: 'created' }))).toBe(expected);
      }),
      { numRuns: 300 },
    );
    expect([...told].sort()).toEqual(['Job Pending', 'ignored']);
  });

  test('that says running binds a runner exactly where it names one, and else asks', () => {
    fc.assert(
      fc.property(anyVersion, (changes) => {
        const isNamed = typeof changes.runner === 'object' && changes.runner !== null && 'id' in changes.runner;
        const type = kindOf(jobHookBody({ ...changes, build_status: 'running' }));
        expect(type).toBe(isNamed ? 'Job Running' : 'Job Pending');
      }),
    );
  });

  test.each(['success', 'failed', 'canceled'])('that says %s ends the job, whoever had it', (build_status) => {
    fc.assert(
      fc.property(anyVersion, (changes) => {
        expect(kindOf(oldJobHookBody({ ...changes, build_status }))).toBe('Job Finished');
      }),
    );
  });
});

describe('a job hook of an old GitLab, or of a template', () => {
  test('gives all that can be found in it', () => {
    const { event } = eventOf(oldJobHookBody({ runner: { id: 9171 } }));
    expect(event).toMatchObject({
      jobId: 1977,
      projectId: 380,
      projectPath: 'group/sub/project',
      pipelineId: 2366,
      runnerId: 9171,
      occurredAt: '2016-09-28T02:00:00.000Z',
    });
  });

  test.each([
    ['git@gitlab.example.com:group/project.git', 'group/project'],
    ['ssh://git@gitlab.example.com:2222/group/sub/project.git', 'group/sub/project'],
    ['git@gitlab.example.com:group/project', 'group/project'],
    ['git@[2001:db8::1]:group/project.git', 'group/project'],
    ['ssh://git@[2001:db8::1]:2222/group/project.git', 'group/project'],
    ['[::ffff:192.0.2.1]:group/project.git', 'group/project'],
    ['gitlab.example.com:group/sub/project.git', 'group/sub/project'],
    ['ssh://gitlab.example.com/group/project.git', 'group/project'],
    ['git@[2001:db8::1]/group/project.git', null],
    ['git@[not an address]:group/project.git', null],
    ['/srv/git/group/project.git', null],
    ['file:///srv/git/group/project.git', null],
    ['https://gitlab.example.com/gitlab/group/project.git', null],
    ['', null],
  ])('has its project path from the SSH address %s: %s', (url, path) => {
    expect(eventOf(oldJobHookBody({ repository: { url } })).event.projectPath).toBe(path);
  });

  test('may say job instead of build, or not say what it is', () => {
    expect(eventOf(jobHookBody({ object_kind: 'job' })).type).toBe('Job Pending');
    expect(eventOf({ build_id: 1, build_status: 'pending', project_id: 2 }).event).toMatchObject({
      jobId: 1,
      projectId: 2,
    });
  });

  test('may have numbers in quotes, and the project id only within the project', () => {
    const { event } = eventOf(jobHookBody({ build_id: '1977', project_id: undefined, pipeline_id: '2366' }));
    expect(event).toMatchObject({ jobId: 1977, projectId: 380, pipelineId: 2366 });
  });

  test('may show a runner with a pending job: nobody has the job for that', () => {
    expect(eventOf(jobHookBody({ runner: { id: 9171 } })).event.runnerId).toBeNull();
  });

  test.each([
    ['absent', undefined],
    ['null', null],
    ['a description alone', { description: 'some runner' }],
    ['with an id that is none', { id: 0 }],
  ])('may have a runner that is %s', (_what, runner) => {
    expect(eventOf(runningJobBody({ runner })).event.runnerId).toBeNull();
  });

  test('keeps names of any script and refs of any shape', () => {
    const body = jobHookBody({ build_name: 'テスト: [3.9, ]', ref: 'refs/merge-requests/7/merge' });
    expect(eventOf(body).event).toMatchObject({ jobName: 'テスト: [3.9, ]', ref: 'refs/merge-requests/7/merge' });
  });

  test('cannot make the event too large for a workflow', () => {
    const long = 'x'.repeat(1_000_000);
    const body = jobHookBody({
      build_name: long,
      build_stage: long,
      ref: long,
      project: { path_with_namespace: long },
    });
    expect(JSON.stringify(eventOf(body).event).length).toBeLessThan(8_192);
  });
});

describe('ignored', () => {
  test.each([
    ['a job that was only created', createdJobBody(), /"created"/],
    ['an unknown status', jobHookBody({ build_status: 'canceling' }), /"canceling"/],
    ['no status', jobHookBody({ build_status: undefined }), /undefined/],
    ['a status that is an object', jobHookBody({ build_status: { toString: 'pending' } }), /neither starts nor ends/],
    ['a pipeline event', { object_kind: 'pipeline', object_attributes: { id: 1 } }, /"pipeline"/],
    ['a push event', { object_kind: 'push', project_id: 1 }, /"push"/],
    ['a test event', jobHookBody({ build_id: 0 }), /build_id 0/],
    ['a job without an id', jobHookBody({ build_id: null }), /build_id null/],
    ['an id that is no whole number', jobHookBody({ build_id: 1.5 }), /build_id 1.5/],
    ['no project', jobHookBody({ project_id: null, project: null }), /project_id/],
    ['a list', [jobHookBody()], /not a JSON object/],
    ['null', null, /not a JSON object/],
    ['a text', 'pending', /not a JSON object/],
  ])('%s, with a reason', (_what, body, reason) => {
    expect(reasonOf(body)).toMatch(reason);
  });

  test('events keep the numbers that could be read, for the log', () => {
    expect(readJobHook(createdJobBody(), arrival)).toMatchObject({
      projectId: 380,
      jobId: 1977,
    });
  });

  test('reasons stay short whatever the body says', () => {
    expect(reasonOf(jobHookBody({ build_status: 'x'.repeat(10_000) })).length).toBeLessThan(150);
  });
});

describe('any JSON at all', () => {
  const isReadable = (body: unknown) => {
    const hook = readJobHook(body, arrival);
    if (hook.kind === 'event') expect(z.safeParse(jobEventSchema, hook.event).error).toBeUndefined();
    else expect(hook.reason).not.toBe('');
    return hook.kind;
  };

  test('is either ignored or makes a valid event', () => {
    fc.assert(fc.property(fc.jsonValue(), (body) => void isReadable(body)));
  });

  test('in any fields of a job hook is either ignored or makes a valid event', () => {
    const kinds = new Set<string>();
    const fields = Object.keys(jobHookBody());
    const changes = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue(), { maxKeys: 6 });
    const nested = fc.record({ runner: fc.jsonValue(), project: fc.jsonValue() }, { requiredKeys: [] });
    fc.assert(
      fc.property(changes, nested, fc.constantFrom('pending', 'running', 'failed'), (change, inner, build_status) => {
        kinds.add(isReadable(runningJobBody({ build_status, ...inner, ...change })));
      }),
      { numRuns: 500 },
    );
    expect([...kinds].sort()).toEqual(['event', 'ignored']);
  });
});
