import { createRequesterFn, type RequestHandlerFn } from '@gitbeaker/requester-utils';
import { type BackoffPolicy, type BackoffPorts, retryWithBackoff } from '../kit/lambda/backoff.ts';
import { type AnswerVerdict, judgeAnswer, retryAfterMilliseconds } from './gitlab-answer.ts';
import {
  GitLabLimitError,
  GitLabNotFoundError,
  GitLabRefusedError,
  GitLabTokenRefusedError,
  GitLabUnavailableError,
} from './gitlab-errors.ts';
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

/** What we say of an answer in logs and on items. */
const longestQuote = 300;

/** An answer that is no success. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  readonly verdict: AnswerVerdict;
  readonly retryAfterMilliseconds: number | undefined;
  constructor(what: string, answer: Answer, verdict: AnswerVerdict, now: number) {
    const wait = retryAfterMilliseconds(answer.headers.get('retry-after'), now);
    const asks = wait === undefined ? '' : ` (and to wait ${Math.ceil(wait / 1_000)} s)`;
    super(`${what}: ${answer.status} ${answer.said}${asks}${verdict.remedy ? `; ${verdict.remedy}` : ''}`);
    this.status = answer.status;
    this.verdict = verdict;
    this.retryAfterMilliseconds = wait;
  }
}

type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly said: string };

type RequestOptions = {
  readonly prefixUrl?: string;
  readonly searchParams?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<RequestInit['body']>;
};

const tokenHeader = 'private-token';

/**
 * Requester for gitbeaker with a time-out per request and a real backoff: gitbeaker's own handler tries ten times
 * within 0.35 s and ignores `Retry-After` (seen in 43.8.0).
 *
 * @param rereadToken the access token as it is stored now; a request is made once more with it when GitLab refused
 * another one.
 */
export function createGitLabRequester(policy: BackoffPolicy, ports: BackoffPorts, rereadToken?: () => Promise<string>) {
  const handler = createRequestHandler(policy, ports, rereadToken);
  return createRequesterFn((_service, request) => Promise.resolve(request), handler);
}

function createRequestHandler(
  policy: BackoffPolicy,
  ports: BackoffPorts,
  rereadToken: (() => Promise<string>) | undefined,
): RequestHandlerFn {
  return async (endpoint, options) => {
    const { prefixUrl = '', searchParams, method = 'GET', headers = {}, body } = (options ?? {}) as RequestOptions;
    const base = new URL(prefixUrl.endsWith('/') ? prefixUrl : `${prefixUrl}/`);
    const url = new URL(endpoint, base);
    url.search = searchParams ?? '';
    const what = `${method} ${url.pathname}`;
    const ask = (token: Readonly<Record<string, string>>) => {
      const init = { method, headers: { ...headers, ...token }, ...(body === undefined ? {} : { body }) };
      const send = async () => {
        const answer = await fetchBelow(base, url, init);
        const verdict = judgeAnswer(answer);
        if (verdict) throw new AnswerError(what, answer, verdict, ports.now());
        const content = answer.status === 204 ? null : JSON.parse(answer.text);
        return { body: content, headers: Object.fromEntries(answer.headers), status: answer.status };
      };
      return retryWithBackoff(send, judgeFailure, policy, ports).catch((error: unknown) => {
        throw asGitLabError(what, url.host, error);
      });
    };
    try {
      return await ask({});
    } catch (error) {
      if (!rereadToken || !(error instanceof GitLabTokenRefusedError)) throw error;
      const token = await rereadToken();
      if (token === headers[tokenHeader]) throw error;
      return await ask({ [tokenHeader]: token });
    }
  };
}

/**
 * Where GitLab itself says that a thing is now found by another path of its API, as of renamed projects, it is
 * asked there. Any other redirect would carry the access token to wherever it points.
 */
async function fetchBelow(base: URL, url: URL, init: RequestInit): Promise<Answer> {
  const timeout = () => AbortSignal.timeout(requestTimeoutMilliseconds);
  const response = await fetch(url, { ...init, redirect: 'manual', signal: timeout() });
  const target = redirectOf(response, url);
  if (!target) return answerOf(response);
  const isBelow = target.origin === base.origin && target.pathname.startsWith(base.pathname);
  if (init.method === 'GET' && isBelow) {
    return answerOf(await fetch(target, { ...init, redirect: 'manual', signal: timeout() }));
  }
  return { ...(await answerOf(response)), said: `redirected to ${target.origin}${target.pathname}` };
}

function redirectOf({ status, headers }: Response, url: URL): URL | null {
  const location = headers.get('location');
  return status >= 300 && status < 400 && location && URL.canParse(location, url.href) ? new URL(location, url) : null;
}

async function answerOf(response: Response): Promise<Answer> {
  // Of a refusal the status is enough; an answer that was cut off is none.
  const text = await response.text().catch((error: unknown) => {
    if (response.ok) throw error;
    return '';
  });
  const { status, headers } = response;
  return { status, headers, text, said: text.slice(0, longestQuote) };
}

/**
 * In the same request only what passes within seconds is tried again: a place under the limit of runners is free in
 * minutes.
 */
function judgeFailure(error: unknown) {
  if (!(error instanceof AnswerError)) return { retry: distrustOf(error) === null };
  const { status, verdict, retryAfterMilliseconds } = error;
  return { retry: verdict.means === 'unavailable' || status === 429, retryAfterMilliseconds };
}

function asGitLabError(what: string, host: string, error: unknown): Error {
  if (error instanceof AnswerError) return ofAnswer(error);
  const distrust = distrustOf(error);
  // Unavailable and not refused: once the certificate is mended, the jobs that wait are worth another try.
  const why = distrust
    ? `${host} ${distrust.wrong}; ${distrust.remedy}`
    : `no answer from ${host}; is it up and reachable from here?`;
  return new GitLabUnavailableError(`${what}: ${why}`, { cause: error });
}

function ofAnswer(cause: AnswerError): Error {
  const { message, verdict, status } = cause;
  switch (verdict.means) {
    case 'unavailable':
      return new GitLabUnavailableError(message, { cause });
    case 'limit':
      return new GitLabLimitError(message, { cause });
    case 'token refused':
      return new GitLabTokenRefusedError(message, { cause, forEveryCall: status === 401 });
    case 'address refused':
      return new GitLabRefusedError(message, { cause, ofAddress: true });
    case 'refused':
      return new GitLabRefusedError(message, { cause });
    case 'gone':
      return new GitLabNotFoundError(message, { cause });
  }
}
