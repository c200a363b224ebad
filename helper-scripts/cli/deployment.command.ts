import type { Command } from 'commander';
import { profilesOfType } from '../../infrastructure/deployment/deployment.ts';
import { jobsOwnHost } from '../../infrastructure/deployment/profiles/host-doors.ts';
import { keyPolicyStatementsOf } from '../../infrastructure/kit/cdk/key-policy.ts';
import { type DeploymentOptions, deploymentNameOf, readConfigured, readDeployments } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { printTable } from './table.ts';
import { UsageError } from './usage-error.ts';

/** Adds `deployment ls | key-policy` to the command line. */
export function addDeploymentCommands(program: Command): void {
  const deployment = program.command('deployment').description('what deployment.config.ts says');
  deployment
    .command('ls')
    .description('list the deployments: name, region, account, profiles')
    .option('--json', 'print JSON instead of a table')
    .addHelpText(
      'after',
      examples('deployment ls', 'deployment ls --json', 'deployment ls --config my/deployment.config.ts'),
    )
    .action(async ({ json }: { json?: boolean }) => {
      const rows = (await readDeployments(program.opts<DeploymentOptions>().config)).map((one) => ({
        name: one.name,
        region: one.region ?? null,
        account: one.account ?? null,
        gitlab: one.gitlab.url,
        profiles: Object.fromEntries(Object.entries(one.profiles).map(([name, { type }]) => [name, type])),
        profilesWhoseJobsOwnTheHost: profilesOfType(one, 'EC2').flatMap(([name, profile]) =>
          jobsOwnHost(profile) ? [name] : [],
        ),
      }));
      if (json) return console.log(JSON.stringify(rows, null, 2));
      printTable(
        ['name', 'region', 'account', 'GitLab', 'profiles'],
        rows.map((row) => [
          row.name,
          row.region ?? '(environment)',
          row.account ?? '(environment)',
          row.gitlab,
          Object.entries(row.profiles)
            .map(([name, type]) => {
              const ownsHost = row.profilesWhoseJobsOwnTheHost.includes(name);
              return `${name} (${type}${ownsHost ? ', jobs own the host' : ''})`;
            })
            .join(', '),
        ]),
      );
    });
  deployment
    .command('key-policy')
    .description('what the policies of kmsKeyArn and ami.kmsKeyArn need, as JSON, by key')
    .addHelpText('after', examples('deployment key-policy', 'deployment key-policy --deployment ci'))
    .action(async () => {
      const options = program.opts<DeploymentOptions>();
      const name = await deploymentNameOf(options);
      const configured = await readConfigured(name, options);
      const keys = [configured?.kmsKeyArn, configured?.ami.kmsKeyArn].filter((key) => key !== undefined);
      if (keys.length === 0)
        throw new UsageError(`The deployment "${name}" has no key of its own: write kmsKeyArn into its configuration`);
      const policies = [...new Set(keys)].map((key) => [key, keyPolicyStatementsOf(key)] as const);
      console.log(JSON.stringify(Object.fromEntries(policies), null, 2));
    });
}
