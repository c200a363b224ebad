import { isInScope } from '../../infrastructure/kit/webhook-scope.ts';
import { UsageError } from './usage-error.ts';

/** What GitLab sends with a job hook: the token, and from 19.0 on a signature made with the signing token. */
export type WebhookSecret = { readonly token: string; readonly signingToken?: string };

type Tokens = WebhookSecret & {
  /** ISO 8601. */
  readonly madeAt?: string;
  /** Those before, which are taken as well. */
  readonly previous?: WebhookSecret;
};

/**
 * The webhook's secret as it is stored: the deployment's tokens, and those of projects and groups that have their own.
 */
export type StoredWebhookSecret = Tokens & { readonly projects?: Readonly<Record<string, Tokens>> };

/** Secrets Manager takes 65,536 bytes. */
const longestSecretBytes = 65_536;

/** The path of a project or group, as its secret is stored. @throws {UsageError} */
export function scopeOf(path: string): string {
  if (/^(?!\d+$)[\w.-]+(\/[\w.-]+)*$/u.test(path)) return path.toLowerCase();
  throw new UsageError(`"${path}" is no path of a project or group: write it as group/project, or group`);
}

/** New tokens for the deployment; projects and groups keep theirs. The version before has the previous ones. */
export function withNewTokens(stored: StoredWebhookSecret, tokens: WebhookSecret, madeAt: string): StoredWebhookSecret {
  return { ...tokens, madeAt, ...(stored.projects ? { projects: stored.projects } : {}) };
}

/**
 * New tokens for a project or group alone. The deployment's stay, and with them the previous ones: the version before
 * will not have them any more.
 *
 * @param before the deployment's previous tokens, by the version before; null when there was none.
 * @throws {UsageError} when no more fit in.
 */
export function withOwnTokens(
  stored: StoredWebhookSecret,
  before: WebhookSecret | null,
  scope: string,
  tokens: WebhookSecret,
  madeAt: string,
): StoredWebhookSecret {
  const old = stored.projects?.[scope];
  const own = { ...tokens, madeAt, ...(old ? { previous: tokensOf(old) } : {}) };
  const kept = keepingPrevious(stored, before);
  return refuseTooLong({ ...kept, projects: { ...stored.projects, [scope]: own } });
}

/** Without the tokens of a project or group. @throws {UsageError} when it has none. */
export function withoutOwnTokens(
  stored: StoredWebhookSecret,
  before: WebhookSecret | null,
  scope: string,
): StoredWebhookSecret {
  const { [scope]: gone, ...projects } = stored.projects ?? {};
  if (gone) return { ...keepingPrevious(stored, before), projects };
  const known = Object.keys(projects).join(', ') || '(none)';
  throw new UsageError(`${scope} has no webhook secret of its own; name one of: ${known}`);
}

/** The tokens for a project's hook: its own, or those of the nearest group that has some, or the deployment's. */
export function tokensFor(
  stored: StoredWebhookSecret,
  path: string,
): { readonly tokens: Tokens; readonly scope: string | null } {
  const fitting = Object.entries(stored.projects ?? {}).filter(([scope]) => isInScope(path, scope));
  const [nearest] = fitting.sort(([one], [other]) => other.length - one.length);
  return nearest ? { tokens: nearest[1], scope: nearest[0] } : { tokens: stored, scope: null };
}

function keepingPrevious(stored: StoredWebhookSecret, before: WebhookSecret | null): StoredWebhookSecret {
  const previous = stored.previous ?? before;
  return { ...stored, ...(previous ? { previous: tokensOf(previous) } : {}) };
}

function tokensOf({ token, signingToken }: WebhookSecret): WebhookSecret {
  return { token, ...(signingToken === undefined ? {} : { signingToken }) };
}

function refuseTooLong(secret: StoredWebhookSecret): StoredWebhookSecret {
  if (Buffer.byteLength(JSON.stringify(secret)) <= longestSecretBytes) return secret;
  throw new UsageError('No more secrets fit in (64 KiB): give groups one instead of each of their projects');
}
