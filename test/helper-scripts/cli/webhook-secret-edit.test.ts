import { describe, expect, it } from 'vitest';
import {
  scopeOf,
  tokensFor,
  withNewTokens,
  withOwnTokens,
  withoutOwnTokens,
} from '../../../helper-scripts/cli/webhook-secret-edit.ts';
import { parseCurrentSecret } from '../../../infrastructure/ingest/webhook-secret.ts';

const tokens = (name: string) => ({ token: `${name}-not-a-real-secret` });
const [madeAt, later] = ['2026-11-30T12:00:00.000Z', '2026-11-30T13:00:00.000Z'];
const deployment = { ...tokens('new'), madeAt };

describe('tokens of a project’s own', () => {
  const stored = withOwnTokens(deployment, tokens('old'), 'group/app', tokens('app'), later);

  it('leave the deployment’s tokens as they are, the previous ones included', () => {
    expect(stored).toMatchObject({ ...deployment, previous: tokens('old') });
    const again = withOwnTokens(stored, deployment, 'group/other', tokens('other'), later);
    expect(again.previous).toEqual(tokens('old'));
    expect(withoutOwnTokens(again, stored, 'group/app')).toMatchObject({ ...deployment, previous: tokens('old') });
  });

  it('are read by the webhook as they are stored', () => {
    const again = withOwnTokens(stored, deployment, 'group/app', tokens('next'), later);
    const { previous, own } = parseCurrentSecret(JSON.stringify(again));
    expect(previous?.token).toBe(tokens('old').token);
    expect(own).toMatchObject([{ scope: 'group/app', current: tokens('next'), previous: tokens('app') }]);
  });

  it('outlive a rotation of the deployment’s, whose previous tokens are in the version before', () => {
    expect(withNewTokens(stored, tokens('newest'), later)).toEqual({
      ...tokens('newest'),
      madeAt: later,
      projects: stored.projects,
    });
  });

  it('are given to hooks of that project or group, the nearest of several', () => {
    const nested = withOwnTokens(stored, null, 'group', tokens('group'), later);
    const scopeFor = (path: string) => tokensFor(nested, path).scope;
    expect(['Group/App', 'group/other', 'group2/app', 'other'].map(scopeFor)).toEqual([
      'group/app',
      'group',
      null,
      null,
    ]);
    expect(tokensFor(nested, 'other').tokens).toMatchObject(tokens('new'));
  });

  it('are refused when no more fit in', () => {
    const full = { ...deployment, projects: { big: tokens('x'.repeat(65_000)) } };
    expect(() => withOwnTokens(full, null, 'group/app', tokens('y'.repeat(600)), later)).toThrow(/64 KiB.*groups/u);
  });

  it('that are not there cannot be forgotten', () => {
    expect(() => withoutOwnTokens(stored, null, 'group/ap')).toThrow(/group\/ap has no .*one of: group\/app/u);
  });
});

describe('the path of a project or group', () => {
  it('is without case', () => {
    expect(['Group/App', 'group', '2024/app', 'a.b/c-d_e'].map(scopeOf)).toEqual([
      'group/app',
      'group',
      '2024/app',
      'a.b/c-d_e',
    ]);
  });

  it.each(['', '42', '/group', 'group/', 'group//app', 'group/*', 'https://gitlab.com/group'])('is not %j', (path) => {
    expect(() => scopeOf(path)).toThrow(/is no path of a project or group/u);
  });
});
