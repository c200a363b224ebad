import { describe, expect, it } from 'vitest';
import {
  createInstanceMetadataApp,
  type InstanceIdentity,
} from '../../../helper-scripts/local-instances/instance-metadata.server.ts';

const instance = (changes: Partial<InstanceIdentity> = {}): InstanceIdentity => ({
  instanceId: 'i-0123456789abcdef0',
  accountId: '000000000000',
  region: 'eu-west-1',
  availabilityZone: 'eu-west-1a',
  imageId: 'ami-1',
  instanceType: 'm7a.large',
  architecture: 'x86_64',
  privateIp: '10.0.0.1',
  launchedAt: new Date('2026-11-01T00:00:00Z'),
  userData: '#!/bin/bash',
  roleName: 'runner-role',
  ...changes,
});
const credentials = async () => ({
  accessKeyId: 'ASIAFAKE',
  secretAccessKey: 'not-a-real-secret',
  sessionToken: 'not-a-real-session',
  expiration: new Date('2030-01-01T00:00:00Z'),
});

async function reader(changes: Partial<InstanceIdentity> = {}, interruptedAt?: () => Date | undefined) {
  const app = createInstanceMetadataApp(instance(changes), credentials, interruptedAt);
  const opened = await app.request('/latest/api/token', openSession('60'));
  const session = await opened.text();
  return async (path: string) => {
    const response = await app.request(`/latest/${path}`, { headers: { 'x-aws-ec2-metadata-token': session } });
    return response.ok ? response.text() : response.status;
  };
}

const openSession = (seconds: string, headers: Record<string, string> = {}) => ({
  method: 'PUT',
  headers: { 'x-aws-ec2-metadata-token-ttl-seconds': seconds, ...headers },
});

describe('the metadata service of an instance', () => {
  it('answers nobody without a session', async () => {
    const app = createInstanceMetadataApp(instance(), credentials);
    expect((await app.request('/latest/meta-data/instance-id')).status).toBe(401);
    const guessed = { headers: { 'x-aws-ec2-metadata-token': 'guessed' } };
    expect((await app.request('/latest/meta-data/instance-id', guessed)).status).toBe(401);
  });

  it.each(['0', '21601', '', 'soon'])('opens no session for "%s" seconds', async (seconds) => {
    const app = createInstanceMetadataApp(instance(), credentials);
    expect((await app.request('/latest/api/token', openSession(seconds))).status).toBe(400);
  });

  it('opens no session for a forwarded request', async () => {
    const app = createInstanceMetadataApp(instance(), credentials);
    const forwarded = openSession('60', { 'x-forwarded-for': '192.0.2.1' });
    expect((await app.request('/latest/api/token', forwarded)).status).toBe(403);
  });

  it('says what the instance is', async () => {
    const read = await reader();
    expect(await read('meta-data/instance-id')).toBe('i-0123456789abcdef0');
    expect(await read('meta-data/placement/region')).toBe('eu-west-1');
    expect(await read('meta-data/tags/instance')).toBe(404);
    expect(await read('user-data')).toBe('#!/bin/bash');
    expect(JSON.parse(String(await read('dynamic/instance-identity/document')))).toMatchObject({
      instanceId: 'i-0123456789abcdef0',
      region: 'eu-west-1',
      pendingTime: '2026-11-01T00:00:00.000Z',
    });
  });

  it('gives credentials of its own role only, and none without a role', async () => {
    const read = await reader();
    expect(await read('meta-data/iam/security-credentials/')).toBe('runner-role');
    expect(JSON.parse(String(await read('meta-data/iam/security-credentials/runner-role')))).toMatchObject({
      Code: 'Success',
      Token: 'not-a-real-session',
    });
    expect(await read('meta-data/iam/security-credentials/admin')).toBe(404);
    const readWithoutRole = await reader({ roleName: undefined });
    expect(await readWithoutRole('meta-data/iam/security-credentials/')).toBe(404);
    expect(await readWithoutRole('meta-data/iam/security-credentials/undefined')).toBe(404);
  });

  it('tells of an interruption once there is one', async () => {
    let at: Date | undefined;
    const read = await reader({}, () => at);
    expect(await read('meta-data/spot/instance-action')).toBe(404);
    at = new Date('2026-11-01T00:02:00Z');
    expect(JSON.parse(String(await read('meta-data/spot/instance-action')))).toEqual({
      action: 'terminate',
      time: '2026-11-01T00:02:00.000Z',
    });
  });

  it('has no user data when there is none', async () => {
    const read = await reader({ userData: '' });
    expect(await read('user-data')).toBe(404);
  });
});
