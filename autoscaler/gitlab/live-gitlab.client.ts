import * as z from 'zod/mini';
import { gitlabTokenPlaceholder } from '../../infrastructure/exports.ts';
import { createGitLab, type GitLab, type GitLabOptions } from '../../infrastructure/gitlab/gitlab.client.ts';
import { createSecretReader } from '../../infrastructure/kit/aws/secret.client.ts';
import { SecretUnavailableError } from '../../infrastructure/kit/aws/secret-errors.ts';
import { readEnvironment } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { gitlabEnvironment, hostsEnvironment } from './gitlab-environment.ts';

const gitlabSecretSchema = z.object({ token: z.string().check(z.minLength(1)) });

/**
 * GitLab as the environment names it, with the access token from its secret (`{"token": "..."}`).
 *
 * @param secretCacheSeconds how long the token is used before it is read again; each read costs.
 */
export function createGitLabFromEnvironment(secretCacheSeconds?: number): GitLab & { readonly url: string } {
  const options = gitlabOptionsFromEnvironment(secretCacheSeconds);
  return { url: options.url, ...createGitLab(options) };
}

/** GitLab where the deployment has a profile with a long-lived runner; undefined where it has none. */
export function createGitLabForManagers(): GitLab | undefined {
  return readEnvironment(hostsEnvironment).HOSTS_SHARE_RUNNERS ? createGitLabFromEnvironment() : undefined;
}

/** Where GitLab is, and the access token for it, which is read anew when GitLab refuses it. */
export function gitlabOptionsFromEnvironment(secretCacheSeconds?: number): GitLabOptions {
  const { GITLAB_URL, GITLAB_TOKEN_SECRET_ARN } = readEnvironment(gitlabEnvironment);
  const tokenIn = (text: string) => {
    const parsed = z.safeParse(z.pipe(z.string(), z.pipe(z.transform(parseJson), gitlabSecretSchema)), text);
    if (parsed.success && parsed.data.token !== gitlabTokenPlaceholder) return parsed.data.token;
    throw new SecretUnavailableError(
      `The secret ${GITLAB_TOKEN_SECRET_ARN} has no GitLab access token yet: store one with ` +
        '"npm run -s cli -- secret gitlab-token"',
    );
  };
  const secret = createSecretReader(GITLAB_TOKEN_SECRET_ARN, tokenIn, process.env, Date.now, {
    cacheSeconds: secretCacheSeconds,
  });
  return { url: GITLAB_URL, token: secret.read, rereadToken: secret.reread };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
