import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type JobHookRequest,
  mostBodyCharacters,
  receiveJobHook,
} from '../../../infrastructure/ingest/receive-job-hook.lambda.ts';
import type { WebhookSecrets } from '../../../infrastructure/ingest/webhook-secret.ts';
import { createSecretCache, rereadIntervalMilliseconds } from '../../../infrastructure/ingest/webhook-secret-cache.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import type { JobEventType } from '../../../infrastructure/kit/job-event-types.ts';
import { createLog } from '../../../infrastructure/kit/lambda/log.ts';
import { createProjectFilter } from '../../../infrastructure/kit/project-filter.ts';
import { projectPatternOf } from '../../../infrastructure/kit/project-pattern.ts';
import { createNetworkFilter } from '../../../infrastructure/kit/webhook-networks.ts';
import { createdJobBody, finishedJobBody, jobHookBody, runningJobBody } from './job-hook-bodies.ts';

const token = 'current-not-a-real-secret';
const signingKey = Buffer.alloc(32, 1);

/** GitLab on one side, the bus on the other, and a clock that stands still. */
function ingest({ allowedProjects = [] as readonly string[], allowedNetworks = '', signatureOnly = false } = {}) {
  const world = {
    now: Date.parse('2026-09-21T02:41:38.500Z'),
    stored: { current: { token, signingKey }, previous: null } as WebhookSecrets | null,
    busWorks: true,
    events: [] as (JobEvent & { type: JobEventType })[],
    lines: [] as string[],
    loads: 0,
  };
  const now = () => world.now;
  const log = createLog((line) => world.lines.push(line), now);
  const load = async () => {
    world.loads += 1;
    if (!world.stored) throw new Error('cannot use the webhook secret arn:aws:secretsmanager:...:secret:webhook');
    return world.stored;
  };
  const ports = {
    secrets: createSecretCache({ load, now, onStale: () => log.warn('stale') }),
    putEvent: async (type: JobEventType, event: JobEvent) => {
      if (!world.busWorks) throw new Error('cannot put it on the event bus');
      world.events.push({ type, ...event });
    },
    isAllowed: createProjectFilter(projectPatternOf(allowedProjects)),
    isAllowedAddress: createNetworkFilter(allowedNetworks),
    signatureOnly,
    now,
    log,
  };
  const receive = async (request: JobHookRequest) => {
    const answer = await receiveJobHook(request, ports);
    return { statusCode: answer.statusCode, headers: answer.headers, ...JSON.parse(String(answer.body)) };
  };
  const lastLine = () => JSON.parse(world.lines.at(-1) ?? '{}');
  return { world, receive, lastLine };
}

/** A request as an HTTP API hands it over. */
function requestWith(body: unknown, headers: Record<string, string> = { 'x-gitlab-token': token }): JobHookRequest {
  return {
    headers: { 'x-gitlab-event': 'Job Hook', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    isBase64Encoded: false,
  };
}

function signed(request: JobHookRequest, nowMilliseconds: number, key = signingKey): JobHookRequest {
  const [id, timestamp] = ['delivery-7', String(Math.floor(nowMilliseconds / 1_000))];
  const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.${request.body}`);
  const { 'x-gitlab-token': _token, ...headers } = request.headers;
  const signature = `v1,${hmac.digest('base64')}`;
  return {
    ...request,
    headers: { ...headers, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
  };
}

const inBase64 = (request: JobHookRequest): JobHookRequest => ({
  ...request,
  body: Buffer.from(request.body ?? '').toString('base64'),
  isBase64Encoded: true,
});

describe('an authentic job hook', () => {
  test.each([
    [jobHookBody(), 'Job Pending'],
    [runningJobBody(), 'Job Running'],
    [finishedJobBody(), 'Job Finished'],
  ])('is on the bus when GitLab gets its answer (%#)', async (body, type) => {
    const { world, receive } = ingest();
    expect(await receive(requestWith(body))).toMatchObject({ statusCode: 202, outcome: 'accepted', event: type });
    expect(world.events).toEqual([
      expect.objectContaining({ type, jobId: 1977, projectId: 380, projectPath: 'group/project' }),
    ]);
  });

  test('may be signed, and come with its body in base64', async () => {
    const { world, receive, lastLine } = ingest();
    const request = signed(requestWith(jobHookBody({ build_name: 'größe' })), world.now);
    expect((await receive(request)).statusCode).toBe(202);
    expect((await receive(inBase64(request))).statusCode).toBe(202);
    expect(world.events.map((event) => [event.jobName, event.deliveryId])).toEqual([
      ['größe', 'delivery-7'],
      ['größe', 'delivery-7'],
    ]);
    expect(lastLine()).toMatchObject({ provedBy: 'current signature' });
  });

  test('is told apart from its resend by nobody: both carry the same delivery id', async () => {
    const { world, receive } = ingest();
    const request = requestWith(jobHookBody(), { 'x-gitlab-token': token, 'idempotency-key': 'delivery-3' });
    await receive(request);
    await receive(request);
    expect(world.events.map((event) => event.deliveryId)).toEqual(['delivery-3', 'delivery-3']);
  });

  test('is recognised by what its body says, whatever the event header says', async () => {
    const { world, receive } = ingest();
    for (const name of ['System Hook', 'Pipeline Hook', '']) {
      await receive(requestWith(jobHookBody(), { 'x-gitlab-token': token, 'x-gitlab-event': name }));
    }
    expect(world.events).toHaveLength(3);
  });

  test.each([
    ['a job that was only created', createdJobBody()],
    ['a test event', jobHookBody({ build_id: 0 })],
    ['a push', { object_kind: 'push' }],
    ['a list', []],
  ])(
    'that is %s is answered 2xx, says that it was ignored and why, and puts nothing on the bus',
    async (_what, body) => {
      const { world, receive } = ingest();
      const answer = await receive(requestWith(body));
      expect(answer).toMatchObject({ statusCode: 200, outcome: 'ignored', reason: expect.stringMatching(/.{10}/) });
      expect(world.events).toEqual([]);
    },
  );

  test('of a project that is not allowed is ignored', async () => {
    const { world, receive } = ingest({ allowedProjects: ['group/other', 'team/**'] });
    const answer = await receive(requestWith(jobHookBody()));
    expect(answer).toMatchObject({
      statusCode: 200,
      outcome: 'ignored',
      reason: expect.stringContaining('group/project'),
    });
    const body = jobHookBody({ project: { id: 380, path_with_namespace: 'team/sub/project' } });
    expect((await receive(requestWith(body))).statusCode).toBe(202);
    expect(world.events.map((event) => event.projectPath)).toEqual(['team/sub/project']);
  });

  test('whose project path is unknown is ignored when there is a list of allowed projects', async () => {
    const { receive } = ingest({ allowedProjects: ['**'] });
    const answer = await receive(requestWith(jobHookBody({ project: null, repository: null })));
    expect(answer).toMatchObject({ statusCode: 200, reason: expect.stringContaining('is not told') });
  });

  test('that is not JSON, as a faulty template makes it, is a 400 with the reason', async () => {
    const { world, receive, lastLine } = ingest();
    const request = signed(requestWith('{"build_name": "a "quoted" person@example.com"}'), world.now);
    expect(await receive(request)).toMatchObject({ statusCode: 400, reason: expect.stringContaining('template') });
    expect(await receive({ ...requestWith(''), body: undefined } as never)).toMatchObject({ statusCode: 400 });
    expect(JSON.stringify(lastLine())).not.toContain('person');
  });
});

describe('anybody else', () => {
  test.each([
    ['no credentials', {}],
    ['a wrong token', { 'x-gitlab-token': 'wrong-not-a-real-secret' }],
    ['a wrong signature', { 'webhook-id': 'd', 'webhook-timestamp': '1789958498', 'webhook-signature': 'v1,wrong' }],
  ])('with %s gets a 401, and nothing reaches the bus', async (_what, headers) => {
    const { world, receive } = ingest();
    world.now = 1_789_958_498_000;
    const answer = await receive(requestWith(jobHookBody(), headers));
    expect(answer).toMatchObject({ statusCode: 401, outcome: expect.stringMatching(/^(refused|anonymous)$/) });
    expect(world.events).toEqual([]);
  });

  test('who shows nothing costs no read of the secret and no line of our log, and is told what is missing', async () => {
    const { world, receive } = ingest();
    const answer = await receive(requestWith(jobHookBody(), {}));
    expect(answer).toMatchObject({ statusCode: 401, reason: expect.stringContaining('X-Gitlab-Token') });
    expect([world.loads, world.lines]).toEqual([0, []]);
  });

  test('with a body longer than any job hook costs no read of the secret either', async () => {
    const { world, receive } = ingest();
    const nested = '['.repeat(5 * 1_048_576) + ']'.repeat(5 * 1_048_576);
    for (const body of [nested, ' '.repeat(mostBodyCharacters + 1)]) {
      expect(await receive(requestWith(body))).toMatchObject({ statusCode: 413, outcome: 'too-large' });
    }
    expect(world.loads).toBe(0);
    expect((await receive(requestWith(JSON.stringify(jobHookBody()).padEnd(mostBodyCharacters)))).statusCode).toBe(202);
  });

  test('with a wrong token costs no second read when the first was for that very request', async () => {
    const { world, receive } = ingest();
    await receive(requestWith(jobHookBody(), { 'x-gitlab-token': 'wrong' }));
    expect(world.loads).toBe(1);
  });

  test('who floods the endpoint costs one read of the secret in ten seconds', async () => {
    const { world, receive } = ingest();
    const flood = async () => {
      for (let call = 0; call < 50; call += 1) await receive(requestWith('{}', { 'x-gitlab-token': `guess-${call}` }));
    };
    await receive(requestWith(jobHookBody()));
    await flood();
    expect(world.loads).toBe(2);
    world.now += rereadIntervalMilliseconds;
    await flood();
    expect(world.loads).toBe(3);
  });

  test('who signs while we know no signing token learns nothing, but the log says what to do', async () => {
    const { world, receive, lastLine } = ingest();
    world.stored = { current: { token, signingKey: null }, previous: null };
    const answer = await receive(signed(requestWith(jobHookBody()), world.now));
    expect(answer).toMatchObject({ statusCode: 401, reason: expect.not.stringContaining('signing') });
    expect(lastLine().reason).toMatch(/add the hook's signing token/);
  });
});

describe('where signed calls alone are taken', () => {
  test('the right token is refused without a read of the secret, and the answer says what to set', async () => {
    const { world, receive } = ingest({ signatureOnly: true });
    const answer = await receive(requestWith(jobHookBody()));
    expect(answer).toMatchObject({ statusCode: 401, reason: expect.stringContaining('signing token') });
    expect([world.events, world.loads, world.lines]).toEqual([[], 0, []]);
  });

  test('a signature is taken, with a token beside it or without', async () => {
    const { world, receive } = ingest({ signatureOnly: true });
    const request = signed(requestWith(jobHookBody()), world.now);
    expect((await receive(request)).statusCode).toBe(202);
    const both = { ...request, headers: { ...request.headers, 'x-gitlab-token': token } };
    expect((await receive(both)).statusCode).toBe(202);
  });
});

describe('where calls may come from some networks alone', () => {
  const from = (sourceIp: string | undefined): JobHookRequest => ({
    ...requestWith(jobHookBody()),
    ...(sourceIp === undefined ? {} : { requestContext: { http: { sourceIp } } }),
  });

  test.each(['34.74.90.64', '34.74.90.79', '2001:db8::1', '::ffff:34.74.90.70'])('one from %s is taken', async (ip) => {
    const { receive } = ingest({ allowedNetworks: '34.74.90.64/28,2001:db8::/32' });
    expect((await receive(from(ip))).statusCode).toBe(202);
  });

  test.each(['34.74.90.80', '34.74.90.63', '2001:db9::1', '::1', 'no address', '', undefined])(
    'one from %s is refused before anything is read or written, whatever its headers say',
    async (ip) => {
      const { world, receive } = ingest({ allowedNetworks: '34.74.90.64/28,2001:db8::/32' });
      const request = from(ip);
      const answer = await receive({ ...request, headers: { ...request.headers, 'x-forwarded-for': '34.74.90.64' } });
      expect(answer).toMatchObject({ statusCode: 403, reason: expect.stringContaining('allowedNetworks') });
      expect([world.events, world.loads, world.lines]).toEqual([[], 0, []]);
    },
  );
});

describe('a project with a secret of its own', () => {
  const own = (name: string, byte: number) => ({
    token: `${name}-not-a-real-secret`,
    signingKey: Buffer.alloc(32, byte),
  });
  const [app, before, team] = [own('app', 11), own('app-before', 12), own('team', 13)];
  function ingestWithOwn() {
    const world = ingest();
    world.world.stored = {
      current: { token, signingKey },
      previous: null,
      own: [
        { scope: 'group/project', current: app, previous: before },
        { scope: 'team', current: team, previous: null },
        { scope: 'broken', current: null, previous: null },
      ],
    };
    return world;
  }
  const hookOf = (path: string | null, changes = {}) =>
    jobHookBody({
      ...(path === null ? { project: null, repository: null } : { project: { id: 380, path_with_namespace: path } }),
      ...changes,
    });
  const with_ = (secret: { readonly token: string }, path: string | null) =>
    requestWith(hookOf(path), { 'x-gitlab-token': secret.token });

  test.each([
    ['its token', (now: number) => [with_(app, 'group/project'), now] as const],
    ['its token in another case', (now: number) => [with_(app, 'Group/PROJECT'), now] as const],
    ['its previous token', (now: number) => [with_(before, 'group/project'), now] as const],
    [
      'its signature',
      (now: number) => [signed(requestWith(hookOf('group/project')), now, app.signingKey), now] as const,
    ],
  ])('is heard with %s, and its event says for whom that was proved', async (_what, make) => {
    const { world, receive, lastLine } = ingestWithOwn();
    expect((await receive(make(world.now)[0])).statusCode).toBe(202);
    expect(world.events).toMatchObject([{ jobId: 1977, provedFor: 'group/project' }]);
    expect(lastLine().provedBy).toMatch(/(?:current|previous) (?:token|signature) of group\/project$/);
  });

  test('is heard with the group’s, however deep it is in it', async () => {
    const { world, receive } = ingestWithOwn();
    expect((await receive(with_(team, 'team/sub/project'))).statusCode).toBe(202);
    expect(world.events).toMatchObject([{ provedFor: 'team' }]);
  });

  test('goes on to be heard with the one for all, which proves it for every project', async () => {
    const { world, receive } = ingestWithOwn();
    expect((await receive(requestWith(hookOf('group/project')))).statusCode).toBe(202);
    expect(world.events[0]).not.toHaveProperty('provedFor');
  });

  test.each([
    ['another project', 'group/other'],
    ['a project whose path begins so', 'group/project-2'],
    ['a group', 'group'],
    ['a project that is not told', null],
    ['one whose own secret is not valid', 'broken/project'],
  ])('proves nothing for %s', async (_what, path) => {
    const { world, receive } = ingestWithOwn();
    expect((await receive(with_(app, path))).statusCode).toBe(401);
    const request = signed(requestWith(hookOf(path)), world.now, app.signingKey);
    expect((await receive(request)).statusCode).toBe(401);
    expect(world.events).toEqual([]);
  });

  test('whose stored secret is not valid is named in the log, with what to do', async () => {
    const { receive, lastLine } = ingestWithOwn();
    await receive(with_(app, 'broken/project'));
    expect(lastLine().reason).toMatch(/of broken is not valid: run "webhook rotate --project broken"/);
  });

  test('is refused, never a failure, when what is shown with a wrong token is no JSON', async () => {
    const { receive } = ingestWithOwn();
    for (const body of ['{', '', 'null', '[]', '"x"', '['.repeat(20_000)]) {
      expect((await receive(requestWith(body, { 'x-gitlab-token': app.token }))).statusCode).toBe(401);
    }
  });
});

describe('a rotation of the secret', () => {
  const next = { token: 'next-not-a-real-secret', signingKey: Buffer.alloc(32, 5) };

  test('loses no event, whether GitLab or Secrets Manager knows first', async () => {
    const { world, receive, lastLine } = ingest();
    const before = requestWith(jobHookBody());
    const after = requestWith(jobHookBody(), { 'x-gitlab-token': next.token });
    expect((await receive(before)).statusCode).toBe(202);
    world.stored = { current: next, previous: { token, signingKey } };
    expect((await receive(before)).statusCode).toBe(202);
    expect((await receive(after)).statusCode).toBe(202);
    expect((await receive(before)).statusCode).toBe(202);
    expect(lastLine()).toMatchObject({ provedBy: 'previous token' });
    expect((await receive(signed(after, world.now, next.signingKey))).statusCode).toBe(202);
    expect((await receive(signed(before, world.now))).statusCode).toBe(202);
  });

  test('is seen even by a container that read the secret a moment before', async () => {
    const { world, receive } = ingest();
    await receive(requestWith(jobHookBody()));
    world.stored = { current: next, previous: null };
    world.now += 1_000;
    expect((await receive(requestWith(jobHookBody(), { 'x-gitlab-token': next.token }))).statusCode).toBe(202);
    expect((await receive(requestWith(jobHookBody()))).statusCode).toBe(401);
  });
});

describe('a rotation while somebody sends wrong tokens all the time', () => {
  const tokenNumber = (number: number) => `token-${number}-not-a-real-secret`;
  const secretNumber = (number: number) => ({ token: tokenNumber(number), signingKey: null });
  const hook = (number: number) => requestWith(jobHookBody(), { 'x-gitlab-token': tokenNumber(number) });
  const guess = requestWith('{}', { 'x-gitlab-token': 'wrong-not-a-real-secret' });

  /** Three containers, time in seconds, and what is stored since when. */
  function receivers() {
    const containers = [1, 2, 3].map(() => ingest());
    const start = containers[0]?.world.now ?? 0;
    let number = 1;
    const storedAt = new Map([[1, Number.NEGATIVE_INFINITY]]);
    const store = () => {
      const secrets = { current: secretNumber(number), previous: number > 1 ? secretNumber(number - 1) : null };
      for (const { world } of containers) world.stored = secrets;
    };
    store();
    return {
      containers,
      rotateAt(second: number) {
        number += 1;
        storedAt.set(number, second);
        store();
      },
      /**
       * Which tokens must be accepted now: the current and the previous one, as far as they were stored ten seconds
       * ago.
       */
      due: (second: number) =>
        [number - 1, number].filter(
          (one) => second - (storedAt.get(one) ?? second) >= rereadIntervalMilliseconds / 1_000,
        ),
      async send(second: number, container: number, request: JobHookRequest) {
        const receiver = containers[container % containers.length] ?? ingest();
        receiver.world.now = start + second * 1_000;
        return (await receiver.receive(request)).statusCode;
      },
    };
  }

  test('loses no hook that uses the new tokens ten seconds later', async () => {
    const { send, rotateAt } = receivers();
    for (let second = 0; second < 60; second += 1) {
      if (second === 7) rotateAt(second);
      for (const container of [0, 1, 2]) {
        expect(await send(second, container, guess)).toBe(401);
        expect(await send(second, container, hook(second < 17 ? 1 : 2))).toBe(202);
      }
    }
  });

  test('loses none in any schedule of rotations, guesses and hooks, and costs what it may at most', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 25 }),
      what: fc.constantFrom('rotate' as const, 'guess' as const, 'guess' as const, 'hook' as const, 'hook' as const),
      container: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        const { send, rotateAt, due, containers } = receivers();
        let second = 0;
        for (const { wait, what, container } of steps) {
          second += wait;
          if (what === 'rotate') rotateAt(second);
          else if (what === 'guess') expect(await send(second, container, guess)).toBe(401);
          else for (const number of due(second)) expect(await send(second, container, hook(number))).toBe(202);
        }
        const most = 2 + second / (rereadIntervalMilliseconds / 1_000) + second / 300;
        for (const { world } of containers) expect(world.loads).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('a fault of ours', () => {
  test('is a 503 with a hint when the secret cannot be read, names the secret in the log, and poisons nothing', async () => {
    const { world, receive, lastLine } = ingest();
    const stored = world.stored;
    world.stored = null;
    const answer = await receive(requestWith(jobHookBody()));
    expect(answer).toMatchObject({ statusCode: 503, outcome: 'unavailable', headers: { 'retry-after': '5' } });
    expect(lastLine()).toMatchObject({ level: 'error', error: { message: expect.stringContaining('secret:webhook') } });
    world.stored = stored;
    expect((await receive(requestWith(jobHookBody()))).statusCode).toBe(202);
  });

  test('is a 503 when nobody can tell whether a token is the new one', async () => {
    const { world, receive } = ingest();
    await receive(requestWith(jobHookBody()));
    world.stored = null;
    expect((await receive(requestWith(jobHookBody(), { 'x-gitlab-token': 'maybe-the-new-one' }))).statusCode).toBe(503);
    expect((await receive(requestWith(jobHookBody()))).statusCode).toBe(202);
  });

  test('is a 503 with a hint when the bus does not take the event, and the line names the job', async () => {
    const { world, receive, lastLine } = ingest();
    world.busWorks = false;
    const answer = await receive(requestWith(runningJobBody()));
    expect(answer).toMatchObject({ statusCode: 503, reason: expect.stringContaining('event bus') });
    expect(lastLine()).toMatchObject({ level: 'error', projectId: 380, jobId: 1977, jobStatus: 'running' });
  });
});

describe('the log', () => {
  test('has one JSON line for each request, with project, job and outcome', async () => {
    const { world, receive } = ingest();
    await receive(requestWith(runningJobBody()));
    await receive(requestWith(createdJobBody()));
    await receive(requestWith(jobHookBody(), { 'x-gitlab-token': 'wrong-not-a-real-secret' }));
    expect(world.lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'info',
        outcome: 'accepted',
        httpStatus: 202,
        projectId: 380,
        jobId: 1977,
        runnerId: 9171,
        type: 'Job Running',
      },
      { level: 'info', outcome: 'ignored', httpStatus: 200, projectId: 380, jobId: 1977 },
      { level: 'warn', outcome: 'refused', httpStatus: 401, projectId: null, jobId: null },
    ]);
  });

  test('and the answers hold no secret, no signature and nobody’s name', async () => {
    const { world, receive } = ingest();
    const request = signed(requestWith(jobHookBody()), world.now);
    const answers = [
      await receive(request),
      await receive({ ...request, body: `${request.body} ` }),
      await receive(requestWith(jobHookBody())),
      await receive(requestWith(jobHookBody(), { 'x-gitlab-token': 'wrong-not-a-real-secret' })),
    ];
    expect(answers.map((answer) => answer.statusCode)).toEqual([202, 401, 202, 401]);
    const said = JSON.stringify(answers) + world.lines.join('\n') + JSON.stringify(world.events);
    const signature = String(request.headers['webhook-signature']).slice('v1,'.length);
    for (const secret of ['not-a-real-secret', signature, 'user@example.com', 'A User', 'a message']) {
      expect(said).not.toContain(secret);
    }
  });
});
