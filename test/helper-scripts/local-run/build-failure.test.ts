import { expect, it } from 'vitest';
import { causeOf } from '../../../helper-scripts/local-run/build-failure.ts';

const step = 'ERROR: process "/bin/bash -c x" did not complete successfully: exit code: 1';

it.each([
  [
    'a registry that is out of reach',
    ['#1 [internal] load', '#2 ERROR: failed to do request: dial tcp: lookup public.ecr.aws: no such host'],
    'ERROR: failed to do request: dial tcp: lookup public.ecr.aws: no such host',
  ],
  [
    'a signature that is not GitLab’s, before what the engine makes of it',
    ['#9 1.234 gitlab-runner 19.3.0 for amd64: release.sha256 is not signed by GitLab’s key 93', step],
    'gitlab-runner 19.3.0 for amd64: release.sha256 is not signed by GitLab’s key 93',
  ],
  [
    'an AWS CLI without a signature',
    ['AWS CLI 2.37.6 for x86_64: no key server has the key FB', step],
    'AWS CLI 2.37.6 for x86_64: no key server has the key FB',
  ],
  [
    'a download that fails, in the colours of the older builder',
    ['\u001b[91mcurl: (6) Could not resolve host: a.example\u001b[0m', 'returned a non-zero code: 6'],
    'curl: (6) Could not resolve host: a.example',
  ],
  ['an engine that says nothing known', ['one', 'two', ''], 'two'],
  ['an engine that says nothing', [], 'nothing was said'],
])('the cause of a failed build is %s', (_what, lines, cause) => {
  expect(causeOf(lines)).toBe(cause);
});

it('the cause of a failed build fits on a line or two', () => {
  expect(causeOf([`error ${'x'.repeat(5_000)}`]).length).toBeLessThan(260);
});
