import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { confirm } from './confirm.client.ts';
import { type DeploymentOptions, deploymentNameOf, readConfigured } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { UsageError } from './usage-error.ts';
import {
  knownAfterMilliseconds,
  rotationRestHours,
  untilKnownMilliseconds,
  whatRotationBreaks,
} from './webhook-rotation.ts';
import { scopeOf, tokensFor, type WebhookSecret } from './webhook-secret-edit.ts';

/** Adds `webhook url | rotate | forget | add` to the command line. */
export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description("GitLab's job hook, which tells us of every job");
  const open = async () => {
    const { openSecrets } = await import('./deployment-secrets.client.ts');
    return openSecrets(program.opts<DeploymentOptions>());
  };

  webhook
    .command('url')
    .description('print the URL that the job hook points to')
    .addHelpText('after', examples('webhook url'))
    .action(async () => console.log(await (await open()).readWebhookUrl()));

  webhook
    .command('rotate')
    .description(
      'make a new token and signing token; the previous ones keep working until the next rotation, so that one ' +
        `within ${rotationRestHours} hours of the last asks first`,
    )
    .option('-y, --yes', 'do not ask')
    .option('--project <path>', 'tokens of its own for a project or group: who knows them can tell of its jobs alone')
    .addHelpText('after', examples('webhook rotate', 'webhook rotate --yes', 'webhook rotate --project group/project'))
    .action(async ({ yes = false, project }: { yes?: boolean; project?: string }) => {
      const scope = project === undefined ? null : scopeOf(project);
      const secrets = await open();
      const broken = yes ? null : whatRotationBreaks(await secrets.readWebhookVersions(scope), Date.now());
      if (broken) await confirm(broken);
      if (scope === null) await secrets.rotateWebhookSecret();
      else await secrets.rotateOwnSecret(scope);
      console.log('rotated: run "webhook add" for each project again, which gives its hook the new tokens');
      console.log(
        `(by hand, not before ${knownAfterMilliseconds / 1_000} seconds from now, so that no call is refused)`,
      );
    });

  webhook
    .command('forget <project>')
    .description("end the tokens of a project's or group's own; its hooks need the deployment's then (webhook add)")
    .addHelpText('after', examples('webhook forget group/project'))
    .action(async (project: string) => {
      const scope = scopeOf(project);
      await (await open()).forgetOwnSecret(scope);
      console.log(`forgotten: the tokens of ${scope} end within five minutes; run "webhook add" for its projects`);
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
      const options = program.opts<DeploymentOptions>();
      const deployment = await deploymentNameOf(options);
      const configured = (await readConfigured(deployment, options))?.gitlab;
      const gitlab = otherGitLab ?? configured?.url;
      // Never a guess: the token would go to whoever answers there.
      if (!gitlab) {
        throw new UsageError(
          `The URL of GitLab is not known, since the configuration has no deployment "${deployment}": ` +
            'add --gitlab URL, or name the file that has it with --config FILE',
        );
      }
      const secrets = await open();
      const [url, { stored, madeAt }] = await Promise.all([
        otherUrl ?? secrets.readWebhookUrl(),
        secrets.readWebhookSecret(),
      ]);
      if (configured?.caCertificates) {
        const { trustAlso } = await import('./gitlab-trust.client.ts');
        trustAlso(configured.caCertificates);
      }
      const { putJobHook, readProjectPath } = await import('./job-hook.client.ts');
      const isNumber = /^\d+$/u.test(project);
      const path = isNumber && stored.projects ? await readProjectPath({ gitlab, token, project }) : project;
      const { tokens, scope } = tokensFor(stored, path);
      const { GitLabTokenRefusedError } = await import('../../infrastructure/gitlab/gitlab-errors.ts');
      const secretIsKnown = async () => {
        const milliseconds = untilKnownMilliseconds(madeAt, Date.now());
        if (milliseconds > 0)
          console.error(`waiting ${Math.ceil(milliseconds / 1_000)} s, until the new tokens are known`);
        await setTimeout(milliseconds);
      };
      const shown = configured?.webhook.signatureOnly ? withoutToken(tokens) : tokens;
      const existed = await putJobHook({ gitlab, token, project, url, secret: shown, secretIsKnown }).catch((error) => {
        if (!(error instanceof GitLabTokenRefusedError)) throw error;
        throw new UsageError(
          `${gitlab} refuses the access token in GITLAB_TOKEN for the hooks of ${project}: ` +
            'set one with the scope api, of a user with the role Maintainer there',
          { cause: error },
        );
      });
      const whose = scope === null ? '' : ` (with the tokens of ${scope} alone)`;
      console.log(`${existed ? 'updated' : 'added'}: job hook of ${project} -> ${url}${whose}`);
    });
}

/**
 * What a hook shows where signed calls alone are taken: a token that is in each of them would be one more secret to
 * lose.
 */
function withoutToken({ signingToken }: WebhookSecret): WebhookSecret {
  if (signingToken) return { token: '', signingToken };
  throw new UsageError(
    'The deployment takes signed calls alone (gitlab.webhook.signatureOnly) and has no signing token yet: ' +
      'run "webhook rotate" first',
  );
}
