import { describe, expect, it } from 'vitest';
import { createLongLivedRunners } from '../../../autoscaler/gitlab/long-lived-runners.client.ts';
import type { RunnerManagers } from '../../../infrastructure/gitlab/gitlab-managers.client.ts';

const secretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci-runner-AbCdEf';
const token = 'glrt-fake-t1_not.a-real-token';
const details = { tags: ['docker'], runUntagged: false, projectIds: null };

function world(secretText = JSON.stringify({ token }), using: Partial<RunnerManagers> = {}) {
  const verified: string[] = [];
  const managers: RunnerManagers = {
    verify: async (shown) => {
      verified.push(shown);
      return shown === token ? 900 : null;
    },
    readRunner: async (runnerId) => (runnerId === 900 ? details : null),
    runningJobsOf: async () => [],
    remove: async (shown, systemId) => shown === token && systemId === 's_000000000001',
    ...using,
  };
  const secrets = { RUNNER_TOKEN_SECRETS: { shared: secretArn } };
  const stored = { text: secretText };
  /** As it was at first until it is read anew, without limits. */
  const readerOf = (_arn: string, parse: (text: string) => string) => {
    let kept = secretText;
    return {
      read: async () => parse(kept),
      reread: async () => {
        kept = stored.text;
        return parse(kept);
      },
    };
  };
  return { verified, stored, runners: createLongLivedRunners(managers, secrets, readerOf) };
}

describe('the runner that a profile brings', () => {
  it.each([
    ['JSON', JSON.stringify({ token, note: 'x' })],
    ['the token alone', token],
    ['the token and a line break', `${token}\n`],
  ])('is found by its token, in a secret of %s', async (_, text) => {
    expect(await world(text).runners.find('shared')).toEqual({ runnerId: 900, token, ...details });
  });

  it('is looked at anew for each job, and its token too', async () => {
    const tags: string[][] = [['old'], ['new']];
    const { runners, verified } = world(undefined, {
      readRunner: async () => ({ ...details, tags: tags.shift() ?? [] }),
    });
    expect([(await runners.find('shared'))?.tags, (await runners.find('shared'))?.tags]).toEqual([['old'], ['new']]);
    expect(verified).toEqual([token, token]);
  });

  it('has its token read anew as soon as GitLab does not know the one that was read', async () => {
    const { runners, stored } = world('glrt-fake-old');
    stored.text = token;
    expect(await runners.find('shared')).toMatchObject({ runnerId: 900, token });
    const ended = world('glrt-fake-old');
    ended.stored.text = token;
    expect(await ended.runners.remove({ profile: 'shared', systemId: 's_000000000001' })).toBe(true);
  });

  it('is not asked for twice by the same token', async () => {
    const { runners, verified } = world('glrt-fake-old');
    await expect(runners.find('shared')).rejects.toMatchObject({ name: 'LongLivedRunnerError' });
    expect(verified).toEqual(['glrt-fake-old']);
  });

  it('is none for other profiles', async () => {
    const { runners } = world();
    expect(await runners.find('default')).toBeNull();
    expect(await runners.remove({ profile: 'default', systemId: 's_000000000001' })).toBe(false);
  });

  it.each(['', '{"token":""}', '{"Token":"glrt-fake"}', 'two words', '["glrt-fake"]'])(
    'is not looked for with a secret that holds no token: %s',
    async (text) => {
      const { runners, verified } = world(text);
      const failed = await runners.find('shared').catch((error: Error) => error);
      expect(failed).toMatchObject({ name: 'SecretUnavailableError', message: expect.stringContaining(secretArn) });
      expect(verified).toEqual([]);
    },
  );

  it('that GitLab does not know, or does not show, is an error that says what to do and not the token', async () => {
    const unknown = await world('glrt-fake-other')
      .runners.find('shared')
      .catch((error: Error) => error);
    expect(unknown).toMatchObject({ name: 'LongLivedRunnerError', message: expect.stringContaining(secretArn) });
    const hidden = await world(token, { readRunner: async () => null })
      .runners.find('shared')
      .catch((error: Error) => error);
    expect(hidden).toMatchObject({ name: 'LongLivedRunnerError', message: expect.stringContaining('manage_runner') });
    expect(`${unknown} ${hidden}`).not.toContain('glrt-fake');
  });

  it('loses a host by its own token', async () => {
    expect(await world().runners.remove({ profile: 'shared', systemId: 's_000000000001' })).toBe(true);
  });
});
