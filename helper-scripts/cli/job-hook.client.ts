import { ProjectHooks, Projects } from '@gitbeaker/rest';
import { createGitLabRequester, gitlabBackoff } from '../../infrastructure/gitlab/gitlab-requester.client.ts';
import { systemBackoffPorts } from '../../infrastructure/kit/lambda/backoff.ts';
import type { WebhookSecret } from './webhook-secret-edit.ts';

type JobHook = {
  /** Base URL of GitLab. */
  readonly gitlab: string;
  /** Access token with the scope `api`. */
  readonly token: string;
  /** Id or path. */
  readonly project: string;
  readonly url: string;
  readonly secret: WebhookSecret;
  /** Waited for before a hook that works is changed: those that receive its calls must know the secret by then. */
  readonly secretIsKnown: () => Promise<void>;
};

/**
 * Creates a project's job hook, or updates the one that points to the same URL, or to that without its last part, which
 * was the webhook's address once. Returns whether there was one.
 */
export async function putJobHook({ gitlab, token, project, url, secret, secretIsKnown }: JobHook): Promise<boolean> {
  const requesterFn = createGitLabRequester(gitlabBackoff, systemBackoffPorts);
  const hooks = new ProjectHooks({ host: gitlab, token, requesterFn });
  const all = await hooks.all(project);
  const existing =
    all.find((hook) => hook.url === url) ?? all.find((hook) => hook.url === url.replace(/(\/webhook)\/[^/]+$/u, '$1'));
  const options = {
    jobEvents: true,
    pushEvents: false,
    enableSslVerification: url.startsWith('https:'),
    token: secret.token,
    ...(secret.signingToken ? { signingToken: secret.signingToken } : {}),
  };
  if (existing) {
    await secretIsKnown();
    await hooks.edit(project, existing.id, url, options);
  } else await hooks.add(project, url, options);
  return existing !== undefined;
}

/** The path of a project that is given by its id. */
export async function readProjectPath({ gitlab, token, project }: Omit<JobHook, 'url' | 'secret' | 'secretIsKnown'>) {
  const requesterFn = createGitLabRequester(gitlabBackoff, systemBackoffPorts);
  const { path_with_namespace } = await new Projects({ host: gitlab, token, requesterFn }).show(project);
  return String(path_with_namespace);
}
