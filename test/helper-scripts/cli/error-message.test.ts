import { describe, expect, it } from 'vitest';
import { errorMessageOf } from '../../../helper-scripts/cli/error-message.ts';
import { UsageError } from '../../../helper-scripts/cli/usage-error.ts';

const failure = (name: string, message: string, more: object = {}) =>
  Object.assign(new Error(message), { name, ...more });

describe('what is printed for an error', () => {
  it.each([
    ['a refusal of ours, as it is', new UsageError('Name a job'), /^Name a job$/],
    [
      'missing credentials',
      failure('CredentialsProviderError', 'none'),
      /^No AWS credentials were found \(none\): .*--profile/,
    ],
    ['a missing region', failure('Error', 'Region is missing'), /^No AWS region is known: .*--region/],
    ['credentials that ran out', failure('ExpiredTokenException', 'too old'), /^AWS does not accept .* sign in again/],
    [
      'what is not allowed',
      failure('AccessDeniedException', 'ann may not Scan'),
      /^AWS does not allow it: ann may not Scan$/,
    ],
    ['nobody there', failure('Error', '', { code: 'ECONNREFUSED' }), /^Cannot reach AWS in eu-west-1: nothing listens/],
    [
      'nobody at any address',
      new AggregateError([failure('E', '', { code: 'ENOTFOUND' })]),
      /^Cannot reach .* no such host/,
    ],
    ['a missing file', failure('Error', 'x', { code: 'ENOENT', path: 'rows.yaml' }), /^There is no file rows\.yaml$/],
    ['a folder', failure('Error', 'x', { code: 'EISDIR' }), /is a folder/],
    ['anything else', failure('TypeError', 'oh'), /^TypeError: oh$/],
    ['what is no error', 'just text', /just text/],
    ['nothing', undefined, /undefined/],
  ])('is, for %s, what to do', (_, error, message) => {
    expect(errorMessageOf(error, { AWS_REGION: 'eu-west-1' })).toMatch(message);
  });

  it('names the endpoint that cannot be reached', () => {
    const refused = failure('Error', '', { code: 'ECONNREFUSED' });
    expect(errorMessageOf(refused, { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })).toMatch(
      /^Cannot reach http:\/\/127\.0\.0\.1:9/,
    );
  });
});
