import { CreateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** A runner in the local GitLab whose token is in a secret. */
export type LongLivedRunner = { readonly runnerId: number; readonly secretArn: string };

export type LongLivedRunnerOptions = {
  readonly gitlabUrl: string;
  readonly accessToken: string;
  readonly tags: readonly string[];
  readonly secrets: SecretsManagerClient;
};

/** Makes one as a user does it before the deployment: a runner in GitLab, its token in a secret. */
export async function createLongLivedRunner(options: LongLivedRunnerOptions): Promise<LongLivedRunner> {
  const { gitlabUrl, accessToken, tags, secrets } = options;
  const answer = await fetch(`${gitlabUrl}/api/v4/user/runners`, {
    method: 'POST',
    headers: { 'private-token': accessToken, 'content-type': 'application/json' },
    body: JSON.stringify({
      runner_type: 'instance_type',
      description: 'long-lived',
      tag_list: tags,
      run_untagged: false,
    }),
  });
  const { id, token } = (await answer.json()) as { readonly id: number; readonly token: string };
  const secret = { Name: 'long-lived-runner', SecretString: JSON.stringify({ token }) };
  const { ARN = '' } = await secrets.send(new CreateSecretCommand(secret));
  return { runnerId: id, secretArn: ARN };
}
