import type { Command } from 'commander';
import { type DeploymentOptions, deploymentNameOf, readConfigured } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { UsageError } from './usage-error.ts';

/** Adds `webhook url | rotate | add` to the command line. */
export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description("GitLab's job hook, which tells us of every job");
  const open = async () => {
    const { openSecrets } = await import('./deployment-secrets.client.ts');
    return openSecrets(program.opts<DeploymentOptions>());
  };
  const configuredGitLab = async () => {
    const options = program.opts<DeploymentOptions>();
    return (await readConfigured(await deploymentNameOf(options), options))?.gitlab;
  };

  webhook
    .command('url')
    .description('print the URL that the job hook points to')
    .addHelpText('after', examples('webhook url'))
    .action(async () => console.log(await (await open()).readWebhookUrl()));

  webhook
    .command('rotate')
    .description('make a new token and signing token; the previous ones keep working until the next rotation')
    .addHelpText('after', examples('webhook rotate'))
    .action(async () => {
      await (await open()).rotateWebhookSecret();
      console.log('rotated: run "webhook add" for each project again, which gives its hook the new tokens');
    });

  webhook
    .command('add <project>')
    .description("create or update a project's job hook (an id, or a path); the access token is read from GITLAB_TOKEN")
    .option('--gitlab <url>', 'base URL of GitLab, when it is not that of deployment.config.ts')
    .option('--url <url>', 'another URL than the one that was deployed, such as one of a domain of yours')
    .addHelpText('after', '\nExample:\n  $ GITLAB_TOKEN=... npm run -s cli -- webhook add group/project')
    .action(async (project: string, { gitlab: otherGitLab, url: otherUrl }: { gitlab?: string; url?: string }) => {
      const token = process.env.GITLAB_TOKEN;
      if (!token) {
        throw new UsageError('Set GITLAB_TOKEN to an access token with the scope api and the role Maintainer');
      }
      const secrets = await open();
      const [url, secret] = await Promise.all([otherUrl ?? secrets.readWebhookUrl(), secrets.readWebhookSecret()]);
      const configured = await configuredGitLab();
      const gitlab = otherGitLab ?? configured?.url ?? 'https://gitlab.com';
      if (configured?.caCertificates) {
        const { trustAlso } = await import('./gitlab-trust.client.ts');
        trustAlso(configured.caCertificates);
      }
      const { putJobHook } = await import('./job-hook.client.ts');
      const existed = await putJobHook({ gitlab, token, project, url, secret });
      console.log(`${existed ? 'updated' : 'added'}: job hook of ${project} -> ${url}`);
    });
}
