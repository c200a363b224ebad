import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import {
  type BootSettings,
  bootSettingsOf,
  renderBootScript,
} from '../../../../autoscaler/runner-types/ec2/boot-script.ts';
import { readBootSource } from '../../../../autoscaler/runner-types/ec2/boot-source.construct.ts';
import { sampleBootSettings } from '../../../../helper-scripts/bench/sample-boot-settings.ts';
import { mostBootTextBytes } from '../../../../infrastructure/deployment/checks/lambda-environment.ts';
import { defineDeployment, profilesOfType } from '../../../../infrastructure/deployment/deployment.ts';

const settings = (changes: Partial<BootSettings> = {}): BootSettings => ({ ...sampleBootSettings, ...changes });
const script = readBootSource();

describe('renderBootScript', () => {
  it('gives bash every text as it is, whatever quotes and signs are in it', () => {
    const text = fc.string({ unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(text, text, (deployment, gitlabUrl) => {
        const probe = '#!/bin/bash\nprintf \'%s\\n%s\' "$deployment" "$gitlab_url"';
        const printed = execFileSync('bash', ['-c', renderBootScript(probe, settings({ deployment, gitlabUrl }))]);
        expect(printed.toString()).toBe(`${deployment}\n${gitlabUrl}`);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a line break and other control characters', () => {
    for (const gitlabUrl of ['url\nreboot', 'url\r', 'url\0', 'url\u0085']) {
      expect(() => renderBootScript(script, settings({ gitlabUrl }))).toThrow(/gitlabUrl has a control character/);
    }
    for (const bootHook of ['true\r', 'true\0']) {
      expect(() => renderBootScript(script, settings({ bootHook }))).toThrow(/bootHook has a control character/);
    }
  });

  it('refuses more than user data takes', () => {
    expect(() => renderBootScript(script, settings({ bootHook: '#'.repeat(9_000) }))).toThrow(
      /would be \d{5} bytes, and EC2 takes 16384: shorten the profile's hooks, .* or put them into an AMI of your own/,
    );
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s as a time', (claimSeconds) => {
    expect(() => renderBootScript(script, settings({ claimSeconds }))).toThrow(/claimSeconds is .*above zero/);
  });

  it('lets the tokens of CDK through, so that a table may have its name at deploy time only', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what a CDK token looks like
    const token = '${Token[TicketsTable.12]}';
    expect(renderBootScript(script, settings({ ticketsTable: token }))).toContain(`tickets_table='${token}'`);
  });

  it('tells gitlab-runner every setting as it is, tables and lists of tables too', () => {
    const key = fc.stringMatching(/^[a-z_]{1,8}$/);
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
    const value = fc.oneof(text, fc.integer({ min: 0, max: 2 ** 40 }), fc.boolean(), fc.array(text, { maxLength: 3 }));
    const table = fc.dictionary(key, value, { minKeys: 1, maxKeys: 3 });
    const tables = fc.array(table, { minLength: 1, maxLength: 2 });
    const inner = fc.dictionary(key, fc.oneof(value, table, tables), { minKeys: 1, maxKeys: 3 });
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(value, inner, tables), { maxKeys: 4 }), (said) => {
        const runnerSettings = { ...said, multi: 'one\ntwo "three" \'four\' $five' };
        const probe = '#!/bin/bash\nprintf \'[[runners]]\\nNAME = "n"\\n%s\' "$runner_settings"';
        const config = execFileSync('bash', ['-c', renderBootScript(probe, settings({ runnerSettings }))]).toString();
        expect(parse(config).runners).toEqual([{ NAME: 'n', ...runnerSettings }]);
      }),
      { numRuns: 60 },
    );
  });

  it('counts a job in minutes and the script in seconds', () => {
    expect(renderBootScript(script, settings({ maximumJobMinutes: 90 }))).toContain('maximum_job_seconds=5400\n');
  });

  it('keeps the shebang first, compresses the rest, and leaves room for all that a profile may say', () => {
    const rendered = renderBootScript(script, settings({ deployment: 'd'.repeat(32), gitlabUrl: 'u'.repeat(300) }));
    expect(rendered).toMatch(/^#!\/bin\/bash\n/);
    expect(Buffer.byteLength(rendered)).toBeLessThan(16 * 1024 - mostBootTextBytes);
  });

  it('changes nothing of the script but its comments by compressing it', () => {
    const rendered = renderBootScript(script, settings());
    const shown = rendered.replace(/^eval "\$\((.*)\)"$/m, (_line, command: string) =>
      execFileSync('bash', ['-c', command]).toString(),
    );
    const code = (text: string) => text.split('\n').filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
    expect(code(shown).slice(-code(script).length)).toEqual(code(script));
  });

  it('has the guard in clear, so that it runs even when the rest is damaged', () => {
    const [clear = ''] = renderBootScript(script, settings()).split('eval ');
    expect(clear).toMatch(/^guard &$/m);
  });

  it('counts the names that only the deployment makes as long as they can become', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what a CDK token looks like
    const names = { ticketsTable: '${Token[A.1]}', roleId: 'AROAFAKE', logGroup: '${Token[B.2]}' };
    const room = (changes: Partial<BootSettings>) => {
      let [fits, tooLong] = [0, 16_384];
      while (tooLong - fits > 1) {
        const length = Math.floor((fits + tooLong) / 2);
        try {
          renderBootScript(script, settings({ ...changes, bootHook: '#'.repeat(length) }));
          fits = length;
        } catch {
          tooLong = length;
        }
      }
      return fits;
    };
    const plain = { ticketsTable: '', roleId: 'AROAFAKE', logGroup: '' };
    expect(room(plain) - room(names)).toBe(2 * 160);
  });

  it('sets every variable that the script asks for', () => {
    const checks = script.split('\n').filter((line) => line.startsWith(': "'));
    const asked = [...checks.join(' ').matchAll(/\$\{(\w+):?\?\}/g)].map(([, name]) => name);
    const rendered = renderBootScript(script, settings());
    expect(asked.length).toBeGreaterThan(10);
    for (const name of asked) expect(rendered).toMatch(new RegExp(`^${name}=`, 'm'));
  });
});

describe('bootSettingsOf', () => {
  it('takes a profile as it was deployed', () => {
    const deployment = defineDeployment({
      name: 'ci',
      gitlab: { url: 'https://gitlab.example.com' },
      profiles: { default: { type: 'EC2', executor: 'shell', environment: { A: 'b' }, timeoutMinutes: 120 } },
    });
    const [[, profile] = []] = profilesOfType(deployment, 'EC2');
    if (!profile) throw new Error('the deployment has lost its profile');
    expect(
      bootSettingsOf(deployment, profile, {
        ticketsTable: 'tickets',
        roleId: 'AROAFAKE',
        logGroup: 'hosts',
        region: 'eu-west-1',
      }),
    ).toMatchObject({
      deployment: 'ci',
      ticketsTable: 'tickets',
      roleId: 'AROAFAKE',
      region: 'eu-west-1',
      gitlabUrl: 'https://gitlab.example.com',
      executor: 'shell',
      runnerSettings: { environment: ['A=b'] },
      maximumJobMinutes: 120,
    });
  });

  it('gives the host the places and the shell of docker, and the limit of caches', () => {
    const deployment = defineDeployment({
      profiles: {
        default: {
          type: 'EC2',
          docker: { hostSocket: true, buildsDir: '/srv/builds', cacheDir: '/srv/cache', shell: 'pwsh' },
          cache: { maxArchiveMiB: 1 },
        },
      },
    });
    const [[, profile] = []] = profilesOfType(deployment, 'EC2');
    if (!profile) throw new Error('the deployment has lost its profile');
    const cacheBucket = { name: 'caches', region: 'eu-west-1', prefix: 'linux' };
    const boot = bootSettingsOf(deployment, profile, {
      ticketsTable: 'tickets',
      roleId: 'AROAFAKE',
      logGroup: 'hosts',
      cacheBucket,
    });
    const probe = '#!/bin/bash\nprintf \'[[runners]]\\nNAME = "n"\\n%s\' "$runner_settings"';
    const config = execFileSync('bash', ['-c', renderBootScript(probe, boot)]).toString();
    expect(parse(config).runners).toMatchObject([
      {
        builds_dir: '/srv/builds',
        cache_dir: '/srv/cache',
        shell: 'pwsh',
        docker: { volumes: expect.arrayContaining(['/srv/builds:/srv/builds', '/srv/cache:/srv/cache']) },
        cache: { MaxUploadedArchiveSize: 1_048_576 },
      },
    ]);
  });
});
