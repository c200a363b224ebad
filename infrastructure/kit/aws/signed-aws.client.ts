import { AwsV4Signer } from 'aws4fetch';
import { type BackoffPolicy, type BackoffPorts, retryWithBackoff, systemBackoffPorts } from '../lambda/backoff.ts';
import type { AwsEnvironment } from './aws-environment.ts';
import { type HttpAnswer, postText } from './http-post.client.ts';
import { isPassing } from './passing-trouble.ts';

/** Two tries of both calls that one event may need fit into the function's time-out. */
const tryTimeoutMilliseconds = 1_500;

/** One quick second try: it also covers a kept-alive connection that died while Lambda had frozen the container. */
const onceMore: BackoffPolicy = {
  maxAttempts: 2,
  firstDelayMilliseconds: 100,
  longestDelayMilliseconds: 100,
  budgetMilliseconds: 2_000,
};

/** AWS answered with an error; `code` is its name, such as `ResourceNotFoundException`. */
export class AwsAnswerError extends Error {
  override readonly name = 'AwsAnswerError';
  readonly code: string;
  readonly worthRetrying: boolean;
  constructor(message: string, code: string, worthRetrying: boolean) {
    super(message);
    this.code = code;
    this.worthRetrying = worthRetrying;
  }
}

/**
 * Calls one action (`AWSEvents.PutEvents`) of a service (`events`) with AWS's JSON protocol. `read` takes what is
 * wanted from the answer, and may throw an {@link AwsAnswerError} itself, since some refusals come as an answer of 200.
 *
 * @throws {AwsAnswerError} or what the connection failed with.
 */
export type CallAws = <T>(service: string, action: string, input: object, read: (answer: unknown) => T) => Promise<T>;

/** One signed request to a service (`dynamodb`), tried once, whatever protocol it speaks. */
export type SignedRequest = {
  readonly service: string;
  /** Beside `/`, for services that have one address for each thing. */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMilliseconds: number;
};
export type PostToAws = (request: SignedRequest) => Promise<HttpAnswer>;

/**
 * Posts signed requests without the AWS SDK, and leaves it to the caller what an answer means and whether to try again.
 */
export function createAwsPost(environment: AwsEnvironment): PostToAws {
  const { endpointUrl, ...credentials } = environment;
  // Signing keys last a day: aws4fetch keeps them here.
  const cache = new Map<string, ArrayBuffer>();
  return async ({ service, path = '/', headers, body, timeoutMilliseconds }) => {
    const base = endpointUrl ?? endpointOf(service, environment.region);
    const url = path === '/' ? base : new URL(path, base).href;
    const request = { ...credentials, cache, service, method: 'POST', url, headers: { ...headers }, body };
    const signed = await new AwsV4Signer(request).sign();
    return postText(signed.url, Object.fromEntries(signed.headers), body, timeoutMilliseconds);
  };
}

/** Signed calls without the AWS SDK, whose loading would be most of a webhook's cold start. */
export function createSignedAws(environment: AwsEnvironment, backoffPorts: BackoffPorts = systemBackoffPorts): CallAws {
  const post = createAwsPost(environment);
  return (service, action, input, read) => {
    const attempt = async () => {
      const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': action };
      const body = JSON.stringify(input);
      const answer = await post({ service, headers, body, timeoutMilliseconds: tryTimeoutMilliseconds });
      if (answer.status !== 200) throw errorOf(action, answer.status, answer.text);
      return read(parseAnswer(action, answer.text));
    };
    return retryWithBackoff(attempt, judgeFailure, onceMore, backoffPorts);
  };
}

function endpointOf(service: string, region: string): string {
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
}

function judgeFailure(error: unknown) {
  return { retry: !(error instanceof AwsAnswerError) || error.worthRetrying };
}

/** An answer may hold a secret, which the message of `JSON.parse` would quote. */
function parseAnswer(action: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsAnswerError(`${action}: the answer is not JSON; is that AWS?`, 'NotJson', false);
  }
}

function errorOf(action: string, status: number, text: string): AwsAnswerError {
  const { code, message } = readError(text);
  const worthRetrying = status >= 500 || status === 429 || isPassing(code);
  return new AwsAnswerError(`${action}: ${status} ${code} ${message}`.trim(), code, worthRetrying);
}

/** AWS names an error as `Name` or `namespace#Name` in `__type`; a proxy in between may answer with anything. */
function readError(text: string): { code: string; message: string } {
  try {
    const {
      __type = '',
      message,
      Message,
    } = JSON.parse(text) as { __type?: string; message?: string; Message?: string };
    return { code: __type.replace(/^.*#/, ''), message: String(message ?? Message ?? '').slice(0, 300) };
  } catch {
    return { code: '', message: text.slice(0, 300) };
  }
}
