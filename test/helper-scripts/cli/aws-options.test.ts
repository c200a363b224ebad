import { describe, expect, it } from 'vitest';
import { awsEnvironmentChanges } from '../../../helper-scripts/cli/aws-options.ts';

describe('where AWS is and who asks', () => {
  it.each([
    ['nothing changes without options', {}, { HOME: '/home/ann' }, {}],
    [
      'an option wins over the environment',
      { region: 'us-east-1' },
      { AWS_REGION: 'eu-west-1' },
      { AWS_REGION: 'us-east-1' },
    ],
    ['AWS_REGION wins over AWS_DEFAULT_REGION', {}, { AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' }, { AWS_REGION: 'a' }],
    ['AWS_DEFAULT_REGION counts', {}, { AWS_DEFAULT_REGION: 'eu-west-1' }, { AWS_REGION: 'eu-west-1' }],
    ['AWS_DEFAULT_PROFILE counts', {}, { AWS_DEFAULT_PROFILE: 'ci' }, { AWS_PROFILE: 'ci' }],
    ['an endpoint is taken', { endpointUrl: 'http://127.0.0.1:1' }, {}, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }],
  ])('%s', (_, options, environment, changes) => {
    expect(awsEnvironmentChanges(options, environment)).toEqual(changes);
  });

  it('a profile that was named wins over keys in the environment, one of the environment does not', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'fake-access-key', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' };
    expect(awsEnvironmentChanges({ profile: 'ci' }, keys)).toEqual({
      AWS_PROFILE: 'ci',
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
    });
    expect(awsEnvironmentChanges({}, { ...keys, AWS_PROFILE: 'ci' })).toEqual({ AWS_PROFILE: 'ci' });
  });
});
