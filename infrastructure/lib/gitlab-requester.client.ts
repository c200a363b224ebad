import { createRequesterFn, type RequestHandlerFn } from '@gitbeaker/requester-utils';
import { type BackoffPolicy, type BackoffPorts, retryWithBackoff } from './backoff.ts';
import { GitLabNotFoundError, GitLabRefusedError, GitLabUnavailableError } from './gitlab-errors.ts';
import { distrustOf } from './gitlab-trust.ts';

/** One request to GitLab may take this long before it counts as unanswered. */
export const requestTimeoutMilliseconds = 5_000;

/** Short enough to end well inside a Lambda's timeout; the workflow's own retry covers longer outages. */
export const gitlabBackoff: BackoffPolicy = {
  maxAttempts: 5,
  firstDelayMilliseconds: 250,
  longestDelayMilliseconds: 4_000,
  budgetMilliseconds: 8_000,
};

class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;
  readonly retryAfterMilliseconds: number | undefined;
  constructor(message: string, response: Response) {
    super(message);
    this.status = response.status;
    const seconds = Number(response.headers.get('retry-after'));
    this.retryAfterMilliseconds = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
  }
}

type RequestOptions = RequestInit & { prefixUrl?: string; searchParams?: string };

/**
 * Requester for gitbeaker with a time-out per request and a real backoff: gitbeaker's own handler tries ten times within 0.35 s
 * and ignores `Retry-After` (seen in 43.8.0).
 */
export function createGitLabRequester(policy: BackoffPolicy, ports: BackoffPorts) {
  return createRequesterFn((_service, request) => Promise.resolve(request), createRequestHandler(policy, ports));
}

function createRequestHandler(policy: BackoffPolicy, ports: BackoffPorts): RequestHandlerFn {
  return async (endpoint, options) => {
    const { prefixUrl, searchParams, method = 'GET', headers, body } = (options ?? {}) as RequestOptions;
    const url = new URL(endpoint, prefixUrl?.endsWith('/') ? prefixUrl : `${prefixUrl}/`);
    url.search = searchParams ?? '';
    const what = `${method} ${url.pathname}`;
    const send = async () => {
      // A redirect would carry the access token to wherever it points.
      const init: RequestInit = { method, redirect: 'manual', signal: AbortSignal.timeout(requestTimeoutMilliseconds) };
      if (headers) init.headers = headers;
      if (body) init.body = body;
      const response = await fetch(url, init);
      if (!response.ok) throw new HttpStatusError(`${what}: ${response.status} ${await messageOf(response)}`, response);
      const content = response.status === 204 ? null : await bodyOf(response);
      return { body: content as never, headers: Object.fromEntries(response.headers), status: response.status };
    };
    return retryWithBackoff(send, judgeFailure, policy, ports).catch((error: unknown) => {
      throw asGitLabError(what, url.host, error);
    });
  };
}

function judgeFailure(error: unknown) {
  if (!(error instanceof HttpStatusError)) return { retry: distrustOf(error) === null };
  const retry = error.status === 429 || error.status >= 500;
  return { retry, retryAfterMilliseconds: error.retryAfterMilliseconds };
}

function asGitLabError(what: string, host: string, error: unknown): Error {
  if (!(error instanceof HttpStatusError)) {
    const distrust = distrustOf(error);
    if (distrust) {
      // Unavailable and not refused: once the certificate is mended, the jobs that wait are worth another try.
      return new GitLabUnavailableError(`${what}: ${host} ${distrust.wrong}; ${distrust.remedy}`, { cause: error });
    }
    return new GitLabUnavailableError(`${what}: no answer from ${host}; is it up and reachable from here?`, {
      cause: error,
    });
  }
  if (error.status === 404) return new GitLabNotFoundError(error.message, { cause: error });
  if (judgeFailure(error).retry) return new GitLabUnavailableError(error.message, { cause: error });
  const remedy =
    error.status === 401 || error.status === 403 ? '; check the access token, its scopes and its role' : '';
  return new GitLabRefusedError(`${error.message}${remedy}`, { cause: error });
}

async function bodyOf(response: Response): Promise<unknown> {
  return response.headers.get('content-type')?.startsWith('application/json') ? response.json() : response.text();
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  return text.slice(0, 300);
}
