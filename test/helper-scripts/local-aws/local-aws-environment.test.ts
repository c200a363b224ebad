import { expect, test } from 'vitest';
import {
  clientEnvironment,
  inLocalAws,
  serverEnvironment,
} from '../../../helper-scripts/local-aws/local-aws-environment.ts';

const account = { region: 'eu-west-1', account: '000000000000' };
const settings = { ...account, port: 4711, nodeModules: '/modules', node: '/node/bin' };

test("programs get the local AWS, and nothing of the user's own account", () => {
  const environment = clientEnvironment('http://127.0.0.1:4711', account);
  const users = {
    PATH: '/bin',
    AWS_PROFILE: 'production',
    AWS_SESSION_TOKEN: 'not-a-real-token',
    AWS_REGION: 'us-east-1',
  };

  const seen = inLocalAws(users, { environment });

  expect(seen).toEqual({ PATH: '/bin', ...environment });
  expect(seen.AWS_REGION).toBe('eu-west-1');
});

test("functions do not inherit the user's credentials", () => {
  const users = { PATH: '/bin', HOME: '/home/user', GITLAB_TOKEN: 'not-a-real-token', AWS_PROFILE: 'production' };

  const seen = serverEnvironment(users, settings);

  expect(Object.keys(seen)).not.toContain('GITLAB_TOKEN');
  expect(Object.keys(seen)).not.toContain('AWS_PROFILE');
  expect(seen.HOME).toBe('/home/user');
});

test('functions find the chosen node first, then the further folders, then what the user has', () => {
  expect(serverEnvironment({ PATH: '/bin' }, { ...settings, extraPath: ['/tools'] }).PATH).toBe(
    '/node/bin:/tools:/bin',
  );
});

test('a setting of the caller wins over ours', () => {
  const environment = { LAMBDA_WARM_TTL_SECONDS: '5', PERSIST_STATE: '1' };

  expect(serverEnvironment({}, { ...settings, environment })).toMatchObject(environment);
});
