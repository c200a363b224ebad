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

/** What GitLab sends with a job hook: the token, and from 19.0 on a signature made with the signing token. */
export type WebhookSecret = { readonly token: string; readonly signingToken?: string };

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
  return {
    storeGitLabToken: async (token: string) => store(await readParameter(names.gitlabTokenSecretArn), { token }),
    rotateWebhookSecret: async () => store(await readParameter(names.webhookSecretArn), newWebhookSecret()),
    readWebhookUrl: () => readParameter(names.webhookUrl),
    /** The current tokens, and when they were made: milliseconds since 1970. */
    async readWebhookSecret(): Promise<{ readonly secret: WebhookSecret; readonly madeAt: number }> {
      const SecretId = await readParameter(names.webhookSecretArn);
      const { SecretString, CreatedDate } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      return { secret: JSON.parse(SecretString ?? '{}') as WebhookSecret, madeAt: CreatedDate?.getTime() ?? 0 };
    },
    async readWebhookVersions(): Promise<WebhookVersions> {
      const SecretId = await readParameter(names.webhookSecretArn);
      const [{ CreatedDate }, hasPrevious] = await Promise.all([
        secrets.send(new GetSecretValueCommand({ SecretId })),
        secrets.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPREVIOUS' })).then(() => true, whenAbsent),
      ]);
      return { madeAt: CreatedDate?.getTime() ?? 0, hasPrevious };
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
function whenAbsent(error: unknown): false {
  if (error instanceof ResourceNotFoundException) return false;
  throw error;
}
