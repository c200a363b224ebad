#!/usr/bin/env node
import { Command } from 'commander';
import { UsageError } from './deployment-names.client.ts';
import { addMappingCommands } from './mapping.command.ts';
import { MappingFileError } from './mapping-file.ts';
import { addSecretCommands } from './secret.command.ts';
import { addStatusCommand } from './status.command.ts';
import { addWebhookCommands } from './webhook.command.ts';

const program = new Command('gitlab-runners-on-demand')
  .description('GitLab runners on demand: look at and steer a deployment')
  .option('-d, --deployment <name>', 'the deployment, when deployment.config.ts has several')
  .option('--profile <name>', 'AWS profile')
  .option('--region <name>', 'AWS region')
  .showHelpAfterError()
  .hook('preAction', (command) => {
    const { profile, region } = command.opts<{ profile?: string; region?: string }>();
    if (profile) process.env.AWS_PROFILE = profile;
    if (region) process.env.AWS_REGION = region;
  });

addMappingCommands(program);
addSecretCommands(program);
addStatusCommand(program);
addWebhookCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  const expected = error instanceof UsageError || error instanceof MappingFileError;
  console.error(expected ? error.message : `${(error as Error).name}: ${(error as Error).message}`);
  process.exitCode = 1;
}
