import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { readJobHook } from '../../../infrastructure/ingest/job-hook.ts';
import { jobEventSchema } from '../../../infrastructure/lib/job-event.ts';
import { finishedJobBody, jobHookBody, oldJobHookBody, runningJobBody } from './job-hook-bodies.ts';

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

describe('a job hook of an old GitLab, or of a template', () => {
  test('gives all that can be found in it', () => {
    const { event } = eventOf(oldJobHookBody());
    expect(event).toMatchObject({
      jobId: 1977,
      projectId: 380,
      projectPath: 'group/sub/project',
      pipelineId: 2366,
      runnerId: null,
      occurredAt: '2016-09-28T02:00:00.000Z',
    });
  });

  test.each([
    ['git@gitlab.example.com:group/project.git', 'group/project'],
    ['ssh://git@gitlab.example.com:2222/group/sub/project.git', 'group/sub/project'],
    ['git@gitlab.example.com:group/project', 'group/project'],
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
    ['a job that was only created', jobHookBody({ build_status: 'created' }), /"created"/],
    ['an unknown status', jobHookBody({ build_status: 'waiting_for_callback' }), /"waiting_for_callback"/],
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
    expect(readJobHook(jobHookBody({ build_status: 'created' }), arrival)).toMatchObject({
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
