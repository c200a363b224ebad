import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { DeploymentOptions } from './deployments.client.ts';
import { UsageError } from './usage-error.ts';

/** Adds `secret gitlab-token` to the command line. */
export function addSecretCommands(program: Command): void {
  const secret = program.command('secret').description('the secrets that this deployment reads');
  secret
    .command('gitlab-token')
    .description(
      'store the GitLab access token (scopes create_runner, manage_runner, read_api; api instead of manage_runner where GitLab is below a path), read from standard input',
    )
    .addHelpText(
      'after',
      '\nExample (the token is in no history and no process list):\n  $ npm run -s cli -- secret gitlab-token < token.txt',
    )
    .action(async () => {
      const token = (await text(process.stdin)).trim();
      if (!token || /\s/.test(token)) throw new UsageError('Give the token alone on standard input');
      const { openSecrets } = await import('./deployment-secrets.client.ts');
      await (await openSecrets(program.opts<DeploymentOptions>())).storeGitLabToken(token);
      console.log(
        'stored: used within half a minute where GitLab refuses the one before, and everywhere in a quarter of an hour',
      );
    });
}
