import type { Instance } from './instance.ts';
import { signWebhook } from './webhook-signature.ts';

/** A webhook of a project. */
export interface Hook {
  readonly id: number;
  readonly projectId: number;
  readonly url: string;
  readonly name: string | null;
  readonly token: string | null;
  readonly signingToken: string | null;
  readonly jobEvents: boolean;
  /** Other kinds of events: kept and shown, never sent. */
  readonly otherEvents: Readonly<Record<string, boolean>>;
  readonly sslVerification: boolean;
  readonly createdAt: Date;
}

/** What one request differs by. */
export interface HookRequest {
  /** The same when a delivery is sent again. */
  readonly idempotencyKey: string;
  readonly requestId: string;
  readonly eventId: string;
  readonly at: Date;
  readonly body: string;
}

/** The headers of a delivery: https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers. */
export function renderHookHeaders(hook: Hook, request: HookRequest, instance: Instance): Record<string, string> {
  const { idempotencyKey, body } = request;
  const timestamp = Math.floor(request.at.getTime() / 1000);
  return {
    'Content-Type': 'application/json',
    'User-Agent': `GitLab/${instance.version}`,
    'X-Gitlab-Event': 'Job Hook',
    'X-Gitlab-Event-UUID': request.eventId,
    'X-Gitlab-Webhook-UUID': request.requestId,
    'X-Gitlab-Instance': instance.url,
    ...(hook.token === null ? {} : { 'X-Gitlab-Token': hook.token }),
    ...(instance.hookShape === 'old'
      ? {}
      : {
          'Idempotency-Key': idempotencyKey,
          'webhook-id': idempotencyKey,
          'webhook-timestamp': String(timestamp),
          ...(hook.signingToken === null
            ? {}
            : { 'webhook-signature': signWebhook(hook.signingToken, idempotencyKey, timestamp, body) }),
        }),
  };
}
