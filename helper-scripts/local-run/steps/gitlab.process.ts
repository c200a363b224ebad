import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startLocalGitLab } from '../../local-gitlab/local-gitlab.server.ts';
import { gitlabAccessToken } from '../local-deployment.ts';
import { createLongLivedRunner } from '../long-lived-runner.client.ts';
import type { LocalRunStep } from './step.ts';

export const startGitLab: LocalRunStep = {
  title: 'Local GitLab',
  async run(parts) {
    const { gitlabPort: port, longLivedRunnerTags: tags } = parts.options;
    const sharedRunner = { tags: [], runUntagged: true };
    const gitlab = await startLocalGitLab({ port, adminToken: gitlabAccessToken, sharedRunner }).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
        throw new Error(
          `the local GitLab cannot listen on 127.0.0.1:${port}. Stop what uses it, or set LOCAL_GITLAB_PORT.`,
        );
      },
    );
    parts.gitlab = gitlab;
    parts.stops.push(() => gitlab.stop());
    if (tags) {
      const secrets = new SecretsManagerClient(parts.clientOptions());
      const options = { gitlabUrl: gitlab.url, accessToken: gitlabAccessToken, tags, secrets };
      parts.longLivedRunner = await createLongLivedRunner(options);
    }
    return gitlab.url;
  },
};
