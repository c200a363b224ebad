import { randomBytes } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ProjectHooks } from '@gitbeaker/rest';
import type { Command } from 'commander';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { systemBackoffPorts } from '../../infrastructure/lib/backoff.ts';
import { createGitLabRequester, gitlabBackoff } from '../../infrastructure/lib/gitlab-requester.client.ts';
import { deploymentNameOf, readParameter, UsageError } from './deployment-names.client.ts';

type WebhookSecret = { readonly token: string; readonly signingToken?: string };

/** Adds `webhook show | rotate | add` to the command line. */
export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description("GitLab's job hook, which tells us of every job");
  const secrets = new SecretsManagerClient({});
  const given = async () =>
    infrastructureParameters(await deploymentNameOf(program.opts<{ deployment?: string }>().deployment));

  webhook
    .command('url')
    .description('print the URL that the job hook points to')
    .action(async () => console.log(await readParameter((await given()).webhookUrl)));

  webhook
    .command('rotate')
    .description('make a new token and signing token; the previous ones keep working until the next rotation')
    .action(async () => {
      const SecretId = await readParameter((await given()).webhookSecretArn);
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(newWebhookSecret()) }));
      console.log('rotated: run "webhook add" for each project again, which gives its hook the new tokens');
    });

  webhook
    .command('add <project>')
    .description("create or update a project's job hook (an id, or a path); the access token is read from GITLAB_TOKEN")
    .option('--gitlab <url>', 'base URL of GitLab', 'https://gitlab.com')
    .option('--url <url>', 'another URL than the one that was deployed, such as one of a domain of yours')
    .addHelpText('after', '\nExample:\n  $ GITLAB_TOKEN=... npm run cli -- webhook add group/project')
    .action(async (project: string, { gitlab, url: otherUrl }: { gitlab: string; url?: string }) => {
      const token = process.env.GITLAB_TOKEN;
      if (!token)
        throw new UsageError('Set GITLAB_TOKEN to an access token with the scope api and the role Maintainer');
      const names = await given();
      const [url, secretArn] = await Promise.all([
        otherUrl ?? readParameter(names.webhookUrl),
        readParameter(names.webhookSecretArn),
      ]);
      const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: secretArn }));
      const secret = JSON.parse(SecretString ?? '{}') as WebhookSecret;
      const hooks = new ProjectHooks({
        host: gitlab,
        token,
        requesterFn: createGitLabRequester(gitlabBackoff, systemBackoffPorts),
      });
      const existing = (await hooks.all(project)).find((hook) => hook.url === url);
      const options = {
        jobEvents: true,
        pushEvents: false,
        enableSslVerification: url.startsWith('https:'),
        token: secret.token,
        ...(secret.signingToken ? { signingToken: secret.signingToken } : {}),
      };
      if (existing) await hooks.edit(project, existing.id, url, options);
      else await hooks.add(project, url, options);
      console.log(`${existing ? 'updated' : 'added'}: job hook of ${project} -> ${url}`);
    });
}

/** A token for old GitLab, and a signing token of 32 bytes (Standard Webhooks) for 19.0 and newer. */
export function newWebhookSecret(): WebhookSecret {
  return { token: randomBytes(24).toString('base64url'), signingToken: `whsec_${randomBytes(32).toString('base64')}` };
}
