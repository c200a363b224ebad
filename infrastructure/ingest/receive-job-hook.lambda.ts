import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { createSignedAws } from '../kit/aws/signed-aws.client.ts';
import type { JobEvent } from '../kit/job-event.ts';
import type { JobEventType } from '../kit/job-event-types.ts';
import { log } from '../kit/lambda/lambda-handler.client.ts';
import type { Log } from '../kit/lambda/log.ts';
import { createProjectFilter, type ProjectFilter } from '../kit/project-filter.ts';
import { createNetworkFilter } from '../kit/webhook-networks.ts';
import { createEventBus } from './event-bus.client.ts';
import { answerOf, type HookOutcome, logEntryOf } from './hook-outcome.ts';
import { readIngestEnvironment } from './ingest-environment.ts';
import { projectPathTold, readJobHook } from './job-hook.ts';
import { type Credentials, readCredentials, type SenderVerdict, verifySender } from './sender.ts';
import { loadWebhookSecrets } from './webhook-secret.client.ts';
import type { WebhookSecrets } from './webhook-secret.ts';
import { createSecretCache, type SecretCache } from './webhook-secret-cache.ts';

/** As it arrives, maybe in base64. GitLab's job hooks have a few thousand; only a commit's message makes one longer. */
export const mostBodyCharacters = 1_048_576;

export type JobHookRequest = Pick<APIGatewayProxyEventV2, 'headers' | 'body' | 'isBase64Encoded'> & {
  /** Who called, as the API saw it and no header can say otherwise. */
  readonly requestContext?: { readonly http?: { readonly sourceIp?: string } };
};

export type JobHookPorts = {
  readonly secrets: SecretCache;
  /** Puts an event on the deployment's bus; rejects when the bus did not take it. */
  readonly putEvent: (type: JobEventType, event: JobEvent) => Promise<void>;
  readonly isAllowed: ProjectFilter;
  /** Whether calls may come from an address. */
  readonly isAllowedAddress: (address: string | undefined) => boolean;
  /** Whether a token, which is the same in each call, proves nothing. */
  readonly signatureOnly: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
};

/**
 * Receives one job hook: proves that GitLab sent it, keeps what we need of it, and puts that on the event bus.
 * Everything authentic is answered with 2xx, even what is ignored; only an event that could not be handed on is a 503.
 */
export async function receiveJobHook(
  request: JobHookRequest,
  ports: JobHookPorts,
): Promise<APIGatewayProxyStructuredResultV2> {
  const startedAt = ports.now();
  const outcome = await handleHook(request, ports);
  // The access log has it, with where it came from; a line of ours for each would be what costs most of it.
  if (outcome.kind === 'anonymous' || outcome.kind === 'elsewhere') return answerOf(outcome);
  const { level, fields } = logEntryOf(outcome);
  ports.log[level]('job hook', { ...fields, milliseconds: ports.now() - startedAt });
  return answerOf(outcome);
}

async function handleHook(request: JobHookRequest, ports: JobHookPorts): Promise<HookOutcome> {
  const { headers = {}, body: text = '' } = request;
  if (!ports.isAllowedAddress(request.requestContext?.http?.sourceIp)) {
    return { kind: 'elsewhere', reason: 'the call comes from a network that is not in gitlab.webhook.allowedNetworks' };
  }
  const credentials = readCredentials(headers, ports.now(), ports.signatureOnly ? 'signature' : 'any');
  if (credentials.kind === 'refused' || credentials.kind === 'anonymous') return credentials;
  if (typeof text === 'string' && text.length > mostBodyCharacters) {
    return { kind: 'too-large', reason: `the body has more than ${mostBodyCharacters} characters: no job hook has` };
  }
  const body = Buffer.from(text ?? '', request.isBase64Encoded ? 'base64' : 'utf8');

  const readPayload = once(() => parseJson(body));
  const sender = await proveSender({ credentials, body, readPayload }, ports.secrets).catch(
    unavailableBecause('the webhook secret', null),
  );
  if (sender.kind !== 'authentic') return sender;

  const payload = readPayload();
  if (payload === undefined) {
    return { kind: 'malformed', reason: 'the body is not JSON: check the custom webhook template' };
  }
  const hook = readJobHook(payload, {
    receivedAt: new Date(ports.now()).toISOString(),
    deliveryId: headers['webhook-id'] ?? headers['idempotency-key'] ?? null,
  });
  if (hook.kind === 'ignored') return hook;

  const { type } = hook;
  const event = sender.scope === undefined ? hook.event : { ...hook.event, provedFor: sender.scope };
  const verdict = ports.isAllowed(event.projectPath);
  if (!verdict.allowed) {
    return { kind: 'ignored', reason: verdict.reason, projectId: event.projectId, jobId: event.jobId };
  }
  return ports
    .putEvent(type, event)
    .then((): HookOutcome => ({ kind: 'accepted', type, event, provedBy: proofOf(sender) }))
    .catch(unavailableBecause('the event bus', event));
}

/** Secrets that were not read for this very request may be from before a rotation: look once more before refusing. */
async function proveSender(hook: UnprovedHook, secrets: SecretCache): Promise<SenderVerdict> {
  const verify = (known: WebhookSecrets) =>
    verifySender(hook.credentials, hook.body, known, () => projectPathTold(hook.readPayload()));
  const { secrets: known, fresh } = await secrets.read();
  const verdict = verify(known);
  if (verdict.kind === 'authentic' || fresh) return verdict;
  const reread = await secrets.reread();
  return reread ? verify(reread) : verdict;
}

type UnprovedHook = {
  readonly credentials: Credentials;
  readonly body: Buffer;
  readonly readPayload: () => unknown;
};

function proofOf({ secret, by, scope }: SenderVerdict & { readonly kind: 'authentic' }): string {
  return `${secret} ${by}${scope === undefined ? '' : ` of ${scope}`}`;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function unavailableBecause(what: string, event: JobEvent | null) {
  return (error: unknown): HookOutcome & { kind: 'unavailable' } => ({
    kind: 'unavailable',
    reason: `${what} is not available: try again`,
    error,
    event,
  });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function livePorts(): JobHookPorts {
  const environment = readIngestEnvironment(process.env);
  const callAws = createSignedAws(environment.aws);
  return {
    secrets: createSecretCache({
      load: () => loadWebhookSecrets(environment.webhookSecretArn, callAws),
      now: Date.now,
      onStale: (error) => log.warn('webhook secret not read anew, using the one from before', { error }),
    }),
    putEvent: createEventBus(environment.eventBusArn, callAws),
    isAllowed: createProjectFilter(environment.allowedProjects),
    isAllowedAddress: createNetworkFilter(environment.allowedNetworks),
    signatureOnly: environment.signatureOnly,
    now: Date.now,
    log,
  };
}

let ports: JobHookPorts | undefined;

/**
 * Not through the wrapper of the other Lambdas: a failure here is an HTTP answer rather than an error, and the schema
 * library would double what our own code adds to a cold start (`npm run bench`).
 */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  ports ??= livePorts();
  return receiveJobHook(event, ports);
}

// Lambda gives initialisation more CPU than it gives the events of a small function: read the secret here, and with it
// load all code that a call needs. What fails is tried again, and reported, with the first event.
if (process.env.AWS_LAMBDA_FUNCTION_NAME) {
  await Promise.resolve()
    .then(() => {
      ports = livePorts();
      return ports.secrets.read();
    })
    .catch(() => undefined);
}
