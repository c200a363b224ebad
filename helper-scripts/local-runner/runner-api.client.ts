import http from 'node:http';
import https from 'node:https';
import type { ApiAnswer } from './api-answer.ts';
import { callAttempts, isWorthRetrying, retryDelayMs } from './retry-delay.ts';
import type { RunnerLog } from './runner-log.process.ts';
import type { RunnerTime } from './runner-time.process.ts';

export interface ApiCall {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Relative to `/api/v4/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly correlationId: string;
}

/** The address cannot be used at all: unlike a server that is down, this makes a runner unhealthy. */
export class UnusableUrlError extends Error {
  override readonly name = 'UnusableUrlError';
}

/** No answer came. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/**
 * GitLab's API for runners. `node:http` rather than `fetch`, because loading that would double the time from start to
 * the first request. Calls have no time limit: a long poll may take a minute.
 */
export class RunnerApi {
  readonly #base: string;
  readonly #userAgent: string;
  readonly #log: RunnerLog;
  readonly #time: RunnerTime;
  readonly #agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) };

  constructor(url: string, userAgent: string, log: RunnerLog, time: RunnerTime) {
    this.#base = `${url.replace(/\/+$/, '')}/api/v4/`;
    this.#userAgent = userAgent;
    this.#log = log;
    this.#time = time;
  }

  address(path: string): string {
    return `${this.#base}${path}`;
  }

  /**
   * Repeats calls that were answered 429 or 5xx, up to five times in all, and returns the last answer.
   * @throws UnusableUrlError, NoAnswerError
   */
  async call(call: ApiCall): Promise<ApiAnswer> {
    const url = this.#usableUrl(call.path);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#send(url, call);
      if (!isWorthRetrying(answer.status) || attempt + 1 >= callAttempts) return answer;
      const delayMs = retryDelayMs(attempt, answer.headers['retry-after'], Math.random());
      this.#log.info('Waiting before making the next call', {
        context: 'ratelimit-requester-gitlab-request',
        duration: `${delayMs}ms`,
        method: call.method,
        url: url.href,
      });
      await this.#time.sleep(delayMs);
    }
  }

  #usableUrl(path: string): URL {
    const address = this.address(path);
    if (!URL.canParse(address)) throw new UnusableUrlError(`get client: new client: parse "${this.#base}"`);
    const url = new URL(address);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
    throw new UnusableUrlError('get client: new client: only http or https scheme supported');
  }

  #send(url: URL, call: ApiCall): Promise<ApiAnswer> {
    const secure = url.protocol === 'https:';
    const headers = {
      'User-Agent': this.#userAgent,
      'Content-Length': String(Buffer.byteLength(call.body)),
      'X-Request-Id': call.correlationId,
      ...call.headers,
    };
    const options = { method: call.method, headers, agent: this.#agents[secure ? 'https:' : 'http:'] };
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => reject(noAnswer(call.method, url.href, cause));
      const request = (secure ? https : http).request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', fail);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            statusText: `${response.statusCode} ${response.statusMessage ?? ''}`.trim(),
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      request.on('error', fail);
      request.end(call.body);
    });
  }
}

/** In Go's words, which say the address twice. */
function noAnswer(method: string, address: string, cause: Error): NoAnswerError {
  const verb = `${method.slice(0, 1)}${method.slice(1).toLowerCase()}`;
  return new NoAnswerError(`couldn't execute ${method} against ${address}: ${verb} "${address}": ${cause.message}`, {
    cause,
  });
}
