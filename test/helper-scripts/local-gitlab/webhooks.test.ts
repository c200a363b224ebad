import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  call,
  gitlabUnderTest,
  hookReceiver,
  patchTrace,
  pipelineOf,
  registerRunner,
  requestJob,
  updateJob,
} from './gitlab-under-test.ts';

/** `whsec_` and 32 bytes that are no secret. */
const signingToken = `whsec_${Buffer.from('not-a-real-secret-of-32-bytes!!!').toString('base64')}`;

const twoStages = `
stages: [build, test]
compile: { stage: build, script: 'true', tags: [aws] }
unit: { stage: test, script: 'true', tags: [aws] }
ask: { stage: test, script: 'true', when: manual }
`;

describe('the job hook', () => {
  it('comes as created for all jobs at once, pending when a stage is reached, then running and the end', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws'], description: 'ours' });
    gitlab.createPipeline(project.id, twoStages);
    await gitlab.settleWebhooks();
    expect(receiver.statuses().toSorted()).toEqual([
      'ask created',
      'compile created',
      'compile pending',
      'unit created',
    ]);

    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    await updateJob(gitlab, job, { state: 'success' });
    await gitlab.settleWebhooks();
    expect(receiver.statuses('compile')).toEqual(['created', 'pending', 'running', 'success']);
    expect(receiver.statuses('unit')).toEqual(['created', 'pending']);
    expect(gitlab.jobs().find(({ name }) => name === 'ask')?.status).toBe('manual');
  });

  it('says nothing of skipped and canceling', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
    gitlab.createPipeline(project.id, twoStages);
    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    expect(gitlab.cancelJob(job.id).status).toBe('canceling');
    await updateJob(gitlab, job, { state: 'failed', failure_reason: 'unknown_failure' });
    await gitlab.settleWebhooks();
    expect(gitlab.jobs().map(({ status }) => status)).toEqual(['canceled', 'skipped', 'skipped']);
    expect(receiver.statuses('compile')).toEqual(['created', 'pending', 'running', 'canceled']);
    expect(receiver.statuses('unit')).toEqual(['created']);
  });

  it('of a job that is cancelled while it waits has no runner and no start', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    gitlab.cancelJob(gitlab.jobs()[0]?.id ?? 0);
    await gitlab.settleWebhooks();
    expect(receiver.received.at(-1)?.event).toMatchObject({
      build_status: 'canceled',
      runner: null,
      build_started_at: null,
      build_duration: null,
    });
  });

  it('comes as created and pending, with a new id, when a job is retried', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    const first = gitlab.jobs()[0]?.id ?? 0;
    gitlab.dropJob(first, 'stuck_pending_no_matching_runners');
    const second = gitlab.retryJob(first).id;
    await gitlab.settleWebhooks();
    const seen = receiver.received.map(({ event }) => [event.build_id, event.build_status, event.retries_count]);
    expect(seen).toEqual(
      expect.arrayContaining([
        [first, 'failed', 0],
        [second, 'created', 1],
        [second, 'pending', 1],
      ]),
    );
  });
});

describe('the body of a job hook', () => {
  async function hooksOfOneJob(hookShape: 'current' | 'old') {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({
      webhook: { url: receiver.url, token: 'not-a-real-secret', signingToken },
      hookShape,
    });
    const project = gitlab.createProject('my-group/my-app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws', 'big'], description: 'ours' });
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    await updateJob(gitlab, job, { state: 'failed', failure_reason: 'script_failure', exit_code: 3 });
    await gitlab.settleWebhooks();
    const of = (status: string) => receiver.received.find(({ event }) => event.build_status === status);
    return { gitlab, project, runner, job, of };
  }

  it('has the fields of GitLab 19, and no tags of the job', async () => {
    const { gitlab, project, runner, job, of } = await hooksOfOneJob('current');
    expect(of('pending')?.event).toMatchObject({
      object_kind: 'build',
      ref: 'main',
      tag: false,
      build_id: job.id,
      build_name: 'compile',
      build_stage: 'test',
      build_started_at: null,
      build_started_at_iso: null,
      build_failure_reason: 'unknown_failure',
      retries_count: 0,
      runner: null,
      project_id: project.id,
      project_name: 'My Group / My App',
      user: { email: '[REDACTED]' },
      commit: { id: of('pending')?.event.pipeline_id, status: 'pending' },
      project: { path_with_namespace: 'my-group/my-app', web_url: `${gitlab.url}/my-group/my-app` },
    });
    expect(of('pending')?.body).not.toContain('aws');
    expect(of('created')?.event).toMatchObject({ build_failure_reason: null, build_queued_duration: null });
    expect(of('running')?.event).toMatchObject({
      runner: {
        id: runner.id,
        description: 'ours',
        runner_type: 'project_type',
        is_shared: false,
        tags: ['aws', 'big'],
      },
      commit: { status: 'running' },
    });
    expect(of('failed')?.event).toMatchObject({ build_failure_reason: 'script_failure', runner: { id: runner.id } });
    expect(of('failed')?.event.build_duration).toEqual(expect.any(Number));
    expect(of('failed')?.event.build_finished_at_iso).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('lacks what older releases do not have', async () => {
    const { of } = await hooksOfOneJob('old');
    const pending = of('pending');
    expect(Object.keys(pending?.event ?? {})).not.toContain('project');
    expect(Object.keys(pending?.event ?? {}).filter((key) => key.endsWith('_iso') || key === 'retries_count')).toEqual(
      [],
    );
    expect(pending?.event.build_created_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(pending?.headers).toMatchObject({ 'x-gitlab-token': 'not-a-real-secret', 'user-agent': 'GitLab/17.3.0' });
    expect(pending?.headers['webhook-signature']).toBeUndefined();
  });

  it('loses the runner when that was deleted before the end', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    await call(gitlab, 'DELETE', `/runners/${runner.id}`);
    await updateJob(gitlab, job, { state: 'success' });
    await gitlab.settleWebhooks();
    expect(receiver.received.at(-1)?.event).toMatchObject({ build_status: 'success', runner: null });
  });
});

describe('the headers of a delivery', () => {
  it('carry the token, a stable id and a signature that an independent computation confirms', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url, token: 'not-a-real-secret', signingToken } });
    gitlab.createPipeline(gitlab.createProject('group/app').id, pipelineOf({ compile: ['aws'] }));
    await gitlab.settleWebhooks();
    const [delivery] = receiver.received;
    if (delivery === undefined) throw new Error('no delivery');
    const { headers, body } = delivery;
    const key = Buffer.from(signingToken.replace('whsec_', ''), 'base64');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'GitLab/19.4.0',
      'x-gitlab-event': 'Job Hook',
      'x-gitlab-token': 'not-a-real-secret',
      'x-gitlab-instance': gitlab.url,
      'idempotency-key': headers['webhook-id'],
      'webhook-signature': `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    });
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
    expect(headers['x-gitlab-event-uuid']).not.toBe(headers['x-gitlab-webhook-uuid']);
  });

  it('keep the id and renew the signature when a delivery is sent again', async () => {
    const receiver = await hookReceiver();
    let now = new Date('2026-03-01T12:00:00Z');
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url, signingToken }, now: () => now });
    gitlab.createPipeline(gitlab.createProject('group/app').id, pipelineOf({ compile: ['aws'] }));
    await gitlab.settleWebhooks();
    now = new Date('2026-03-01T12:10:00Z');
    const again = await gitlab.resend(gitlab.deliveries()[0]?.id ?? 0);
    expect(again).toMatchObject({ outcome: 204, buildStatus: 'created' });
    const [first] = receiver.received;
    const last = receiver.received.at(-1);
    expect(last?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(last?.body).toBe(first?.body);
    expect(Number(last?.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(600);
    expect(last?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature']);
  });
});

describe('a receiver of webhooks', () => {
  it('that is slow holds up neither jobs nor the events of other jobs, and its answers are on record', async () => {
    const receiver = await hookReceiver(300, 503);
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    gitlab.createPipeline(project.id, pipelineOf({ one: [], two: [] }));
    const job = await requestJob(gitlab, runner);
    expect(job).toBeDefined();
    expect(gitlab.deliveries().every(({ outcome }) => outcome === 'waiting')).toBe(true);
    await gitlab.settleWebhooks();
    expect(receiver.statuses('two')).toEqual(['created', 'pending']);
    // 503 is not repeated.
    expect(gitlab.deliveries().map(({ outcome }) => outcome)).toEqual([503, 503, 503, 503, 503]);
    expect(gitlab.deliveries().every(({ latencyMs }) => (latencyMs ?? 0) >= 290)).toBe(true);
  });

  it('that is not there leaves jobs alone', async () => {
    const gitlab = await gitlabUnderTest({ webhook: { url: 'http://127.0.0.1:9/webhook' } });
    gitlab.createPipeline(gitlab.createProject('group/app').id, pipelineOf({ compile: ['aws'] }));
    await gitlab.settleWebhooks();
    expect(gitlab.deliveries().map(({ outcome }) => outcome)).toEqual(['no answer', 'no answer']);
    expect(gitlab.jobs()[0]?.status).toBe('pending');
  });

  it('can be replaced for all projects', async () => {
    const [first, second] = [await hookReceiver(), await hookReceiver()];
    const gitlab = await gitlabUnderTest({ webhook: { url: first.url } });
    const project = gitlab.createProject('group/app');
    gitlab.setWebhook({ url: second.url });
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    await gitlab.settleWebhooks();
    expect([first.received.length, second.received.length]).toEqual([0, 2]);
    gitlab.setWebhook(undefined);
    gitlab.createPipeline(project.id, pipelineOf({ compile: ['aws'] }));
    await gitlab.settleWebhooks();
    expect(second.received).toHaveLength(2);
  });
});

describe('faults of webhooks', () => {
  async function jobWithFault(
    effect: Parameters<Awaited<ReturnType<typeof gitlabUnderTest>>['faults']['addWebhook']>[0],
  ) {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id);
    gitlab.faults.addWebhook(effect);
    gitlab.createPipeline(project.id, pipelineOf({ compile: [] }));
    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    await patchTrace(gitlab, job, 0, 'hello');
    await updateJob(gitlab, job, { state: 'success' });
    await gitlab.settleWebhooks();
    return { gitlab, receiver };
  }

  it('drop a delivery, which stays on record', async () => {
    const { gitlab, receiver } = await jobWithFault({ statuses: ['pending'], times: 1, effect: { kind: 'drop' } });
    expect(receiver.statuses('compile')).toEqual(['created', 'running', 'success']);
    expect(gitlab.deliveries().find(({ buildStatus }) => buildStatus === 'pending')?.outcome).toBe('dropped');
  });

  it('send a delivery twice with the same id', async () => {
    const { receiver } = await jobWithFault({ statuses: ['running'], effect: { kind: 'duplicate' } });
    expect(receiver.statuses('compile')).toEqual(['created', 'pending', 'running', 'running', 'success']);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(4);
  });

  it('send a delivery after the one that follows it', async () => {
    const { receiver } = await jobWithFault({ statuses: ['created'], effect: { kind: 'reorder' } });
    expect(receiver.statuses('compile')).toEqual(['pending', 'created', 'running', 'success']);
  });

  it('send a delivery late without holding up those after it', async () => {
    const { receiver } = await jobWithFault({ statuses: ['pending'], effect: { kind: 'delay', milliseconds: 300 } });
    expect(receiver.statuses('compile')).toEqual(['created', 'running', 'success', 'pending']);
  });

  it('send the status that the job had before', async () => {
    const { receiver } = await jobWithFault({ statuses: ['pending'], effect: { kind: 'stale' } });
    expect(receiver.statuses('compile')).toEqual(['created', 'created', 'running', 'success']);
  });

  it('tell of a stage that begins as GitLab did until September 2026: created once more, of a pipeline that runs', async () => {
    const receiver = await hookReceiver();
    const gitlab = await gitlabUnderTest({ webhook: { url: receiver.url } });
    const project = gitlab.createProject('group/app');
    const runner = await registerRunner(gitlab, project.id, { tag_list: ['aws'] });
    gitlab.faults.addWebhook({ statuses: ['pending'], effect: { kind: 'stale' } });
    gitlab.createPipeline(project.id, twoStages);
    const job = await requestJob(gitlab, runner);
    if (job === undefined) throw new Error('no job');
    await updateJob(gitlab, job, { state: 'success' });
    await gitlab.settleWebhooks();
    expect(receiver.statuses('unit')).toEqual(['created', 'created']);
    const unit = gitlab.jobs().find(({ name }) => name === 'unit');
    const told = gitlab.deliveries().filter(({ jobId }) => jobId === unit?.id);
    expect(told.map(({ body }) => JSON.parse(body).commit)).toMatchObject([
      { status: 'created', started_at: null },
      { status: 'running', started_at: expect.any(String) },
    ]);
    expect(unit?.status).toBe('pending');
  });
});
