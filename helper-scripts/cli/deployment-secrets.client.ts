import { randomBytes } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { readParameter } from './deployment-names.client.ts';
import { type DeploymentOptions, deploymentNameOf } from './deployments.client.ts';

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
    readWebhookSecret: async () => (await read(await readParameter(names.webhookSecretArn))) as WebhookSecret,
    readGitLabToken: async () =>
      ((await read(await readParameter(names.gitlabTokenSecretArn))) as { readonly token?: string }).token,
  };
}

/** A token for old GitLab, and a signing token of 32 bytes (Standard Webhooks) for 19.0 and newer. */
function newWebhookSecret(): WebhookSecret {
  return { token: randomBytes(24).toString('base64url'), signingToken: `whsec_${randomBytes(32).toString('base64')}` };
}
