import { describe, expect, it } from 'vitest';
import { executionVariable, jobEnvironment } from '../../lambda-shell-runner/job-environment.ts';
import { layOutJobFolder } from '../../lambda-shell-runner/runner-config.ts';

const folder = layOutJobFolder('/tmp/job-abc');

describe('the environment of a job', () => {
  it('has nothing of what Lambda gives the function', () => {
    const ofFunction = {
      AWS_ACCESS_KEY_ID: 'fake',
      AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
      AWS_SESSION_TOKEN: 'not-a-real-token',
      AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/credentials',
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: 'Root=1',
      LAMBDA_TASK_ROOT: '/var/task',
      LD_LIBRARY_PATH: '/var/lang/lib',
      NODE_OPTIONS: '--inspect',
      GITLAB_RUNNER_PATH: '/opt/bin/gitlab-runner',
      PATH: '/opt/bin:/usr/bin',
      LANG: 'en_US.UTF-8',
    };
    expect(jobEnvironment(ofFunction, folder, 'run-1')).toEqual({
      PATH: '/opt/bin:/usr/bin',
      LANG: 'en_US.UTF-8',
      HOME: '/tmp/job-abc/home',
      TMPDIR: '/tmp/job-abc/tmp',
      [executionVariable]: 'run-1',
    });
  });

  it('keeps what is needed to reach GitLab through a proxy and with certificates of one’s own', () => {
    const ways = { HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'localhost', SSL_CERT_FILE: '/etc/ca.pem', TZ: ':UTC' };
    expect(jobEnvironment(ways, folder, 'run-1')).toMatchObject(ways);
  });

  it('can find programs even when the function has no PATH', () => {
    expect(jobEnvironment({}, folder, 'run-1')).toMatchObject({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'C.UTF-8',
    });
  });
});
