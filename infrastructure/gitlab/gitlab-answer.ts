/** What an answer that is no success means for whoever asked. */
export type AnswerVerdict = {
  readonly means: 'unavailable' | 'limit' | 'token refused' | 'address refused' | 'refused' | 'gone';
  /** What to do about it, for a person; null where what GitLab said is enough. */
  readonly remedy: string | null;
};

type Answer = { readonly status: number; readonly text: string };

const notGitLab =
  'that is no answer of GitLab: does gitlab.url name GitLab itself, and does a proxy, a login page or a block stand ' +
  'before it?';
const mendToken =
  'check the access token, its scopes (create_runner, manage_runner, read_api) and its user, and store a good one ' +
  'with "npm run -s cli -- secret gitlab-token"';

const verdicts = {
  later: { means: 'unavailable', remedy: null },
  notGitLab: { means: 'unavailable', remedy: notGitLab },
  rateLimit: { means: 'limit', remedy: 'that is its rate limit: the request is made again later' },
  runnerLimit: {
    means: 'limit',
    remedy: 'a place is free as soon as a runner is removed; administrators of GitLab can raise the limit',
  },
  token: { means: 'token refused', remedy: mendToken },
  address: {
    means: 'address refused',
    remedy: 'allow the addresses that our functions come from in GitLab (IP restriction of the group or of GitLab)',
  },
  role: { means: 'refused', remedy: "check the role of the access token's user in the project (Maintainer)" },
  request: { means: 'refused', remedy: null },
  noSuchCall: { means: 'refused', remedy: 'GitLab knows no such call: is it older than 16.0?' },
  gone: { means: 'gone', remedy: null },
} satisfies Record<string, AnswerVerdict>;

/**
 * Judges an answer by what it says and not by its class alone; null for one that is good: JSON, or nothing (204).
 * What begins with "404" is GitLab's own word for "not there": on that word things end, so no proxy's 404 may pass
 * for it.
 *
 * @see https://docs.gitlab.com/api/rest/troubleshooting/
 */
export function judgeAnswer({ status, text }: Answer): AnswerVerdict | null {
  if (status >= 200 && status < 300) return status === 204 || isJson(text) ? null : verdicts.notGitLab;
  if (status < 400) return verdicts.notGitLab;
  if (status === 429) return verdicts.rateLimit;
  if (status === 408 || status === 409 || status >= 500) return verdicts.later;
  const said = wordsOfGitLab(text);
  if (said === null) return verdicts.notGitLab;
  if (status === 404) return judgeNotFound(said);
  if (status === 401) return verdicts.token;
  // "Maximum number of ci registered project runners (50) exceeded", as validations of GitLab say it.
  if (/maximum number of .*\brunners?\b/i.test(said)) return verdicts.runnerLimit;
  return status === 403 ? judgeForbidden(said) : verdicts.request;
}

function judgeForbidden(said: string): AnswerVerdict {
  if (/\bIP\b/i.test(said)) return verdicts.address;
  return /insufficient_\w*scope|\b(revoked|expired)\b|\byour account\b/i.test(said) ? verdicts.token : verdicts.role;
}

/**
 * GitLab says "404 Runner Not Found" of a thing, "404 Not Found" under `error` of a call; what says neither is
 * something else.
 */
function judgeNotFound(said: string): AnswerVerdict {
  if (said === 'error: 404 Not Found') return verdicts.noSuchCall;
  return /^(message|error): 404\b/.test(said) ? verdicts.gone : verdicts.notGitLab;
}

/** The words of a refusal, with the key that they stand under; null when that is not how GitLab refuses. */
function wordsOfGitLab(text: string): string | null {
  try {
    const { message, error, error_description: details } = JSON.parse(text) as Record<string, unknown>;
    if (message !== undefined) return `message: ${typeof message === 'string' ? message : JSON.stringify(message)}`;
    return typeof error === 'string' ? `error: ${error}${typeof details === 'string' ? ` ${details}` : ''}` : null;
  } catch {
    return null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * How long the other side wants to be left alone: seconds or a date. Undefined when it does not say, or nothing
 * that can be meant.
 *
 * @param now milliseconds since 1970
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterMilliseconds(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : dateOf(text) - now;
  return milliseconds > 0 ? milliseconds : undefined;
}

/** `Date.parse` takes "-1" for a year: only what names a day of the week is a date of HTTP. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
}
