import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { withGitTrust } from '../../../infrastructure/gitlab/git-trust.ts';

const caCertificates = '-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n';
const hookOf = (settings: Record<string, unknown> = {}, connection: { cloneUrl?: string } = {}) =>
  String(withGitTrust(settings, { caCertificates, ...connection }).pre_build_script);

/** A job's container or host, as far as the hook knows it. */
function job(test: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'git trust-'));
  test.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, 'home');
  const certificates = join(folder, 'app.tmp', 'CI_SERVER_TLS_CA_FILE');
  for (const path of [home, join(folder, 'app.tmp')]) mkdirSync(path);
  writeFileSync(certificates, caCertificates);
  const environment: Record<string, string> = {
    PATH: '/usr/bin:/bin',
    HOME: home,
    CI_SERVER_URL: 'https://gitlab.example.com:8443/gitlab',
    CI_SERVER_TLS_CA_FILE: certificates,
  };
  return {
    home,
    certificates,
    environment,
    /** As GitLab Runner runs it: any `sh`, which ends with the first command that fails. */
    run(script: string, variables: Record<string, string> = {}, shell = 'sh') {
      const env = { ...environment, ...variables };
      const { status, stdout, stderr } = spawnSync(shell, ['-e'], { input: `${script}\n`, env, encoding: 'utf8' });
      return { status, output: stdout + stderr };
    },
  };
}

const ask = (url: string) => `git config --get-urlmatch http.sslCAInfo '${url}' || echo none`;

describe('git in a job of a GitLab with certificates of its own', () => {
  it.each(['sh', 'bash'])('trusts that GitLab with them, and nobody else (%s)', (shell) => {
    const cleanUps: (() => void)[] = [];
    const { run, certificates } = job({ onTestFinished: (work: () => void) => cleanUps.push(work) } as never);
    const own = 'https://gitlab.example.com:8443/gitlab/group/app.git';
    const asks = [own, 'https://gitlab.example.com/group/app.git', 'https://github.example.com/group/app.git'];
    const { status, output } = run([hookOf(), ...asks.map(ask)].join('\n'), {}, shell);
    for (const cleanUp of cleanUps) cleanUp();
    expect([status, output]).toEqual([0, `${certificates}\nnone\nnone\n`]);
  });

  it('says so in the shape that git-lfs finds: without a path', (test) => {
    const { run, home, certificates } = job(test);
    run(hookOf());
    expect(readFileSync(join(home, '.gitconfig'), 'utf8')).toBe(
      `\n[http "https://gitlab.example.com:8443"]\n\tsslCAInfo = "${certificates}"\n`,
    );
  });

  it('trusts as well where jobs clone from', (test) => {
    const { run, certificates } = job(test);
    const hook = hookOf({}, { cloneUrl: 'https://git.example.com/mirror' });
    expect(run(`${hook}\n${ask('https://git.example.com/mirror/a.git')}`).output).toBe(`${certificates}\n`);
  });

  it('keeps what the job’s user has configured, also by variables and in a file of another name', (test) => {
    const { run, home, certificates } = job(test);
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Jo');
    const variables = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: 'jo@example.com' };
    const asks = `git config user.name; git config user.email; ${ask('https://gitlab.example.com:8443/')}`;
    expect(run(`${hookOf()}\n${asks}`, variables).output).toBe(`Jo\njo@example.com\n${certificates}\n`);

    const other = { GIT_CONFIG_GLOBAL: join(home, 'other') };
    expect(run(`${hookOf()}\n${ask('https://gitlab.example.com:8443/')}`, other).output).toBe(`${certificates}\n`);
  });

  it('runs the profile’s own hook after it, which may use git, in the same shell', (test) => {
    const { run, certificates } = job(test);
    const own = `seen=$(${ask('https://gitlab.example.com:8443/')})`;
    const { output } = run(`${hookOf({ pre_build_script: own })}\necho "$seen \${host-unset} \${url-unset}"`);
    expect(output).toBe(`${certificates} unset unset\n`);
  });

  it.each([
    ['there is no git', { PATH: '/nowhere' }],
    ['the home cannot be written', { HOME: '/proc/1/nowhere' }],
    ['there is no home', { HOME: '' }],
    ['GitLab Runner gives no such file', { CI_SERVER_TLS_CA_FILE: '' }],
    ['the file is not there', { CI_SERVER_TLS_CA_FILE: '/nowhere' }],
  ])('is no matter to a job where %s', (_what, variables: Record<string, string>) => {
    const cleanUps: (() => void)[] = [];
    const { run } = job({ onTestFinished: (work: () => void) => cleanUps.push(work) } as never);
    // Without a home this test would write into the root folder.
    const hook = hookOf().replace('$HOME/', variables.HOME === '' ? '/nowhere/' : '$HOME/');
    const end = run(`${hook}\necho on`, variables, '/bin/sh');
    for (const cleanUp of cleanUps) cleanUp();
    expect(end).toEqual({ status: 0, output: 'on\n' });
  });
});

it('nothing is added without certificates, and not for shells that read no sh', () => {
  expect(withGitTrust({ pre_build_script: 'true' }, {})).toEqual({ pre_build_script: 'true' });
  const settings = { shell: 'pwsh' };
  expect(withGitTrust(settings, { caCertificates })).toEqual(settings);
  expect(existsSync('/nowhere')).toBe(false);
});
