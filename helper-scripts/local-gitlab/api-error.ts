import type { z } from 'zod';
import { CiConfigError } from './ci-config.ts';
import { NotFoundError } from './gitlab-store.ts';
import { IllegalJobTransitionError } from './job.ts';
import { ProjectPathTakenError } from './projects.ts';
import { InvalidRunnerError } from './runners.ts';

/** An answer that is not a success, as GitLab words it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function unauthorized(): ApiError {
  return new ApiError(401, { message: '401 Unauthorized' });
}

/** For a token that is good, but not for this. */
export function insufficientScope(scopes: readonly string[]): ApiError {
  const description = 'The request requires higher privileges than provided by the access token.';
  return new ApiError(403, {
    error: 'insufficient_scope',
    error_description: description,
    scope: scopes.join(' '),
  });
}

/** @param reason is appended as GitLab does */
export function forbidden(reason?: string, headers: Readonly<Record<string, string>> = {}): ApiError {
  return new ApiError(403, { message: reason === undefined ? '403 Forbidden' : `403 Forbidden  - ${reason}` }, headers);
}

export function badRequest(reason: string): ApiError {
  return new ApiError(400, { message: `400 Bad request - ${reason}` });
}

/** Parameters that are missing or of the wrong kind; Grape reports them under `error`. @param given what came */
export function invalidParameters(error: z.ZodError, given: Readonly<Record<string, unknown>>): ApiError {
  const faults = error.issues.map(({ path }) => {
    const missing = given[String(path[0])] === undefined;
    return `${path.join('.')} ${missing ? 'is missing' : 'is invalid'}`;
  });
  return new ApiError(400, { error: faults.join(', ') });
}

/** The answer that an error of the records deserves; undefined for what is a fault of the program. */
export function asApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof NotFoundError) return new ApiError(404, { message: `404 ${error.what} Not Found` });
  if (error instanceof InvalidRunnerError) return new ApiError(400, { message: error.faults });
  if (error instanceof CiConfigError) return new ApiError(400, { message: { base: error.faults } });
  if (error instanceof ProjectPathTakenError)
    return new ApiError(400, { message: { path: ['has already been taken'] } });
  if (error instanceof IllegalJobTransitionError)
    return new ApiError(403, { message: `403 Forbidden  - ${error.message}` });
  return undefined;
}
