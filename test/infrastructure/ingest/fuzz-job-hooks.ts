import { createHmac } from 'node:crypto';
import { type JobHookRequest, receiveJobHook } from '../../../infrastructure/ingest/receive-job-hook.lambda.ts';
import { createSecretCache } from '../../../infrastructure/ingest/webhook-secret-cache.ts';
import { allowedProjectsFilter } from '../../../infrastructure/kit/allowed-projects.ts';
import { jobEventSchema } from '../../../infrastructure/kit/job-event.ts';
import { createLog } from '../../../infrastructure/kit/lambda/log.ts';
import { createNetworkFilter } from '../../../infrastructure/kit/webhook-networks.ts';
import { createRandom, type Random } from '../../simulation/random.ts';
import { createdJobBody, finishedJobBody, jobHookBody, newestJobHookBody, runningJobBody } from './job-hook-bodies.ts';

const token = 'current-not-a-real-secret';
const signingKey = Buffer.alloc(32, 1);
const now = Date.parse('2026-09-21T02:41:38.500Z');

/** All that the webhook may answer while secrets and bus work. */
const documented = [200, 202, 400, 401, 413];

type FuzzResult = {
  /** How often each status was answered. */
  readonly answers: ReadonlyMap<number, number>;
  /** What must not be, with the request. */
  readonly faults: readonly string[];
};

/**
 * Sends `count` hooks to the real handler: GitLab's own, mutated in body, encoding and headers, authentic or not. Each
 * must get a documented answer; authentic ones never a refusal, others never anything else; and what is put on the bus
 * fits its schema.
 */
export async function fuzzJobHooks(seed: number, count: number): Promise<FuzzResult> {
  const random = createRandom(seed);
  const answers = new Map<number, number>();
  const faults: string[] = [];
  let onBus: unknown = null;
  const ports = {
    secrets: createSecretCache({
      load: async () => ({ current: { token, signingKey }, previous: null }),
      now: () => now,
      onStale: () => {},
    }),
    putEvent: async (_: string, event: unknown) => {
      onBus = event;
    },
    isAllowed: allowedProjectsFilter(['group/**', 'a*/b?/{c,d}']),
    isAllowedAddress: createNetworkFilter(''),
    signatureOnly: false,
    now: () => now,
    log: createLog(
      () => {},
      () => now,
    ),
  };
  for (let index = 0; index < count; index += 1) {
    const { request, isAuthentic } = makeRequest(random);
    onBus = null;
    const told = (what: string) => faults.push(`${what}: ${brief(request)}`);
    try {
      const { statusCode = 0, body } = await receiveJobHook(request, ports);
      answers.set(statusCode, (answers.get(statusCode) ?? 0) + 1);
      if (!documented.includes(statusCode)) told(`answers ${statusCode}`);
      if (isAuthentic && statusCode === 401) told('refuses what is authentic');
      if (!isAuthentic && statusCode !== 401 && statusCode !== 413)
        told(`answers ${statusCode} to what is not authentic`);
      if (typeof JSON.parse(String(body)).outcome !== 'string') told('tells no outcome');
      if (onBus !== null) jobEventSchema.parse(JSON.parse(JSON.stringify(onBus)));
    } catch (error) {
      told(`throws ${error}`);
    }
  }
  return { answers, faults };
}

function makeRequest(random: Random): { readonly request: JobHookRequest; readonly isAuthentic: boolean } {
  const text = makeBody(random);
  const isBase64Encoded = random.chance(0.3);
  // What is no text in UTF-8 is another text on its way back.
  const bytes = Buffer.from(text, 'utf8');
  const body = isBase64Encoded ? bytes.toString('base64') : text;
  const hasBody = !random.chance(0.01);
  const { headers, isAuthentic } = makeHeaders(random, hasBody ? bytes : Buffer.alloc(0));
  return { request: { headers, ...(hasBody ? { body } : {}), isBase64Encoded }, isAuthentic };
}

function makeHeaders(random: Random, content: Buffer) {
  const kind = random.pick(['token', 'token', 'signature', 'wrong token', 'wrong signature', 'none', 'odd'] as const);
  const timestamp = String(Math.floor(now / 1_000));
  const signed = (key: Buffer) => ({
    'webhook-id': 'delivery-1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${createHmac('sha256', key).update(`delivery-1.${timestamp}.`).update(content).digest('base64')}`,
  });
  switch (kind) {
    case 'token':
      return { headers: { 'x-gitlab-token': token }, isAuthentic: true };
    case 'signature':
      return { headers: signed(signingKey), isAuthentic: true };
    case 'wrong token':
      return { headers: { 'x-gitlab-token': oddText(random) }, isAuthentic: false };
    case 'wrong signature':
      return { headers: signed(Buffer.alloc(32, 2)), isAuthentic: false };
    case 'none':
      return { headers: random.chance(0.5) ? {} : { 'x-gitlab-event': oddText(random) }, isAuthentic: false };
    case 'odd':
      return {
        headers: {
          ...signed(signingKey),
          [random.pick(['webhook-id', 'webhook-timestamp', 'webhook-signature'])]: oddText(random),
        },
        isAuthentic: false,
      };
  }
}

function makeBody(random: Random): string {
  const whole: Record<string, unknown> = random.pick([
    jobHookBody,
    newestJobHookBody,
    createdJobBody,
    runningJobBody,
    finishedJobBody,
  ])();
  if (random.chance(0.1)) return random.pick(['', 'null', '[]', '0', '"text"', '{', '\u0000', '{"object_kind":']);
  if (random.chance(0.02)) return nested(random);
  for (let changes = Math.floor(random.next() * 4); changes > 0; changes -= 1) mutate(whole, random);
  const text = JSON.stringify(whole);
  if (random.chance(0.1)) return text.slice(0, Math.floor(random.next() * text.length));
  if (random.chance(0.1)) {
    const at = Math.floor(random.next() * text.length);
    return text.slice(0, at) + oddText(random) + text.slice(at + 1);
  }
  return text;
}

/** Deeper than a recursive function gets, in a field that is looked at, or alone. */
function nested(random: Random): string {
  const depth = 20_000;
  const list = '['.repeat(depth) + ']'.repeat(depth);
  const object = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  const value = random.pick([list, object]);
  const field = random.pick(['object_kind', 'build_status', 'build_id', 'project', 'runner', 'commit', 'build_name']);
  return random.pick([value, `{"object_kind":"build","build_status":"pending","build_id":1,"${field}":${value}}`]);
}

function mutate(value: Record<string, unknown>, random: Random): void {
  const key = random.pick(Object.keys(value));
  const child = value[key];
  if (typeof child === 'object' && child !== null && !Array.isArray(child) && Object.keys(child).length > 0) {
    if (random.chance(0.7)) {
      mutate(child as Record<string, unknown>, random);
      return;
    }
  }
  if (random.chance(0.2)) delete value[key];
  else value[random.chance(0.05) ? '__proto__' : key] = oddValue(random);
  // An object without fields has none to change.
  if (Object.keys(value).length === 0) value.object_kind = 'build';
}

function oddValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => true,
    () => [],
    () => ({}),
    () => [[[]]],
    () => 0,
    () => -1,
    () => 1.5,
    () => 1e308,
    () => Number.MAX_SAFE_INTEGER + 2,
    () => '9'.repeat(17),
    () => '17',
    () => oddText(random),
    () => random.pick(['pending', 'running', 'success', 'failed', 'canceled', 'created', 'manual', 'skipped', 'odd']),
    () => '2026-09-21T02:41:37.886Z',
    () => '9999-99-99 99:99:99 UTC',
  ])();
}

function oddText(random: Random): string {
  return random.pick<() => string>([
    () => '',
    () => 'group/project',
    () => '\ud800',
    () => '\u0000\u001b[31m\u202e',
    () => 'a'.repeat(5_000),
    () => `${'a/'.repeat(800)}b`,
    () => `git@${'a.'.repeat(400)}:${'b/'.repeat(200)}`,
    () => 'v1,v1,v1 v1a, ',
    () => `v1,${'A'.repeat(44)}`,
    () => '1e9',
    () => '{% $x %} <b> $(x)',
    () => String.fromCodePoint(1 + Math.floor(random.next() * 0xd000)),
  ])();
}

function brief(request: JobHookRequest): string {
  return JSON.stringify(request).slice(0, 500);
}
