import { text } from 'node:stream/consumers';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Command } from 'commander';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { deploymentNameOf, readParameter, UsageError } from './deployment-names.client.ts';

/** Adds `secret gitlab-token` to the command line. */
export function addSecretCommands(program: Command): void {
  const secret = program.command('secret').description('the secrets that this deployment reads');
  secret
    .command('gitlab-token')
    .description(
      'store the GitLab access token (scopes create_runner, manage_runner, read_api), read from standard input',
    )
    .addHelpText(
      'after',
      '\nExample (the token is in no history and no process list):\n  $ npm run cli -- secret gitlab-token < token.txt',
    )
    .action(async () => {
      const token = (await text(process.stdin)).trim();
      if (!token || /\s/.test(token)) throw new UsageError('Give the token alone on standard input');
      const deployment = await deploymentNameOf(program.opts<{ deployment?: string }>().deployment);
      const SecretId = await readParameter(infrastructureParameters(deployment).gitlabTokenSecretArn);
      await new SecretsManagerClient({}).send(
        new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify({ token }) }),
      );
      console.log('stored; the Lambdas read it within five minutes');
    });
}
