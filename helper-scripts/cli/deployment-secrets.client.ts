import { randomBytes } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';
import type { WebhookVersions } from './webhook-rotation.ts';
import {
  type StoredWebhookSecret,
  type WebhookSecret,
  withNewTokens,
  withOwnTokens,
  withoutOwnTokens,
} from './webhook-secret-edit.ts';

/** The secrets of the deployment that the options of the command line name, and the URL that its job hook points to. */
export async function openSecrets(options: DeploymentOptions) {
  const names = infrastructureParameters(await deploymentNameOf(options));
  const secrets = new SecretsManagerClient({});
  const store = async (SecretId: string, value: object) => {
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }));
  };
  const read = async (SecretId: string): Promise<unknown> => {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    return JSON.parse(SecretString ?? '{}');
  };
  /** What is stored, and the deployment's tokens in the version before. */
  const readStored = async () => {
    const id = await readParameter(names.webhookSecretArn);
    const [current, previous] = await Promise.all([
      secrets.send(new GetSecretValueCommand({ SecretId: id })),
      secrets.send(new GetSecretValueCommand({ SecretId: id, VersionStage: 'AWSPREVIOUS' })).catch(nullWhenAbsent),
    ]);
    return {
      id,
      stored: parseStored(current.SecretString),
      storedAt: current.CreatedDate?.getTime() ?? 0,
      before: previous && parseStored(previous.SecretString),
    };
  };
  return {
    storeGitLabToken: async (token: string) => store(await readParameter(names.gitlabTokenSecretArn), { token }),
    async rotateWebhookSecret(): Promise<void> {
      const { id, stored } = await readStored();
      await store(id, withNewTokens(stored, newWebhookSecret(), new Date().toISOString()));
    },
    /** Makes tokens that prove hooks of one project or group alone. */
    async rotateOwnSecret(scope: string): Promise<void> {
      const { id, stored, before } = await readStored();
      await store(id, withOwnTokens(stored, before, scope, newWebhookSecret(), new Date().toISOString()));
    },
    async forgetOwnSecret(scope: string): Promise<void> {
      const { id, stored, before } = await readStored();
      await store(id, withoutOwnTokens(stored, before, scope));
    },
    readWebhookUrl: () => readParameter(names.webhookUrl),
    /** The current tokens, and when they were made: milliseconds since 1970. */
    async readWebhookSecret(): Promise<{ readonly stored: StoredWebhookSecret; readonly madeAt: number }> {
      const { stored, storedAt } = await readStored();
      return { stored, madeAt: storedAt };
    },
    /** Of the deployment's tokens, or of those of a project or group. */
    async readWebhookVersions(scope: string | null): Promise<WebhookVersions> {
      const { stored, storedAt, before } = await readStored();
      if (scope === null) return { madeAt: madeAtOf(stored, storedAt), hasPrevious: before !== null };
      const own = stored.projects?.[scope];
      return { madeAt: madeAtOf(own, storedAt), hasPrevious: own?.previous !== undefined };
    },
    readGitLabToken: async () =>
      ((await read(await readParameter(names.gitlabTokenSecretArn))) as { readonly token?: string }).token,
  };
}

/** A token for old GitLab, and a signing token of 32 bytes (Standard Webhooks) for 19.0 and newer. */
function newWebhookSecret(): WebhookSecret {
  return { token: randomBytes(24).toString('base64url'), signingToken: `whsec_${randomBytes(32).toString('base64')}` };
}

/** A secret that was never rotated has no previous version. */
function nullWhenAbsent(error: unknown): null {
  if (error instanceof ResourceNotFoundException) return null;
  throw error;
}

function parseStored(text = '{}'): StoredWebhookSecret {
  return JSON.parse(text) as StoredWebhookSecret;
}

function madeAtOf(tokens: { readonly madeAt?: string } | undefined, storedAt: number): number {
  return tokens?.madeAt === undefined ? storedAt : Date.parse(tokens.madeAt);
}
