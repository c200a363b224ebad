import type { Command } from 'commander';
import type { DeploymentOptions } from './deployments.client.ts';
import { addMappingEditCommands } from './mapping-edit.command.ts';
import { addMappingExplainCommand } from './mapping-explain.command.ts';
import { addMappingFileCommands } from './mapping-file.command.ts';
import { addMappingReadCommands } from './mapping-read.command.ts';

/** Adds `mapping ls | get | put | rm | import | export | validate | explain` to the command line. */
export function addMappingCommands(program: Command): void {
  const mapping = program.command('mapping').description('which job runs where: the rows of the job mappings table');
  const open = async () => {
    // The AWS SDK takes longest to load, and half of the commands do without it.
    const { openMappingTable } = await import('./mapping-connection.client.ts');
    return openMappingTable(program.opts<DeploymentOptions>());
  };
  const readConfiguration = async () => {
    const { configuredDeployment } = await import('./deployments.client.ts');
    return configuredDeployment(program.opts<DeploymentOptions>());
  };
  const readDeployed = async () => {
    const { readDeployedProfiles } = await import('./deployed-profiles.client.ts');
    return readDeployedProfiles(program.opts<DeploymentOptions>()).catch((error: unknown) => {
      console.error('The deployment cannot be asked which profiles and functions it has; --offline does not ask.');
      throw error;
    });
  };
  addMappingReadCommands(mapping, open);
  addMappingEditCommands(mapping, open, readDeployed);
  addMappingFileCommands(mapping, open, { readConfiguration, readDeployed });
  addMappingExplainCommand(mapping, open, readConfiguration);
}
