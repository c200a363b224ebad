#!/usr/bin/env node
import { Command, Option } from 'commander';
import { type AwsOptions, awsEnvironmentChanges } from './aws-options.ts';
import { addDeadLetterCommands } from './dead-letters.command.ts';
import { addDeploymentCommands } from './deployment.command.ts';
import { addDoctorCommand } from './doctor.command.ts';
import { errorMessageOf } from './error-message.ts';
import { addMappingCommands } from './mapping.command.ts';
import { addRetryCommand } from './retry.command.ts';
import { addSecretCommands } from './secret.command.ts';
import { addStatusCommand } from './status.command.ts';
import { guardTerminal } from './terminal-guard.ts';
import { addWebhookCommands } from './webhook.command.ts';

const program = new Command('gitlab-runners-on-demand')
  .description('GitLab runners on demand: look at and steer a deployment')
  .addOption(
    new Option('-d, --deployment <name>', 'the deployment, when deployment.config.ts has several').env(
      'GITLAB_RUNNERS_DEPLOYMENT',
    ),
  )
  .option('--config <file>', "another file than the repository's deployment.config.ts")
  .option('--profile <name>', 'AWS profile (as of the AWS CLI; AWS_PROFILE)')
  .option('--region <name>', "AWS region (AWS_REGION; the deployment's own when its configuration names one)")
  .option('--endpoint-url <url>', 'another AWS than the real one, such as a local one (AWS_ENDPOINT_URL)')
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    'after',
    `
Examples:
  $ npm run -s cli -- mapping put "*" --tags aws --type LAMBDA --arn shell
  $ npm run -s cli -- mapping explain --job "rspec 3/28" --tags aws
  $ npm run -s cli -- status --watch
  $ npm run -s cli -- --profile ci --region eu-west-1 mapping ls

"gitlab-runners-on-demand <command> --help" explains each command.`,
  )
  .showHelpAfterError('(add --help for all options and examples)')
  .hook('preAction', (command) => {
    for (const [name, value] of Object.entries(awsEnvironmentChanges(command.opts<AwsOptions>(), process.env))) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

addMappingCommands(program);
addDeploymentCommands(program);
addSecretCommands(program);
addDeadLetterCommands(program);
addStatusCommand(program);
addRetryCommand(program);
addDoctorCommand(program);
addWebhookCommands(program);

// What goes into a file or another program is data, and stays as it is.
if (process.stdout.isTTY) guardTerminal(process.stdout);
guardTerminal(process.stderr);

// "cli ... | head" closes our output early, which is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  console.error(errorMessageOf(error, process.env));
  process.exitCode = 1;
}
