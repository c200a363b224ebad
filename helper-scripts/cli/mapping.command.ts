import { readFile } from 'node:fs/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { Command } from 'commander';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { deploymentNameOf, readParameter } from './deployment-names.client.ts';
import { type MappingItem, parseMappingFile } from './mapping-file.ts';
import { printTable } from './table.ts';

/** Adds `mapping ls | put | rm | import` to the command line. */
export function addMappingCommands(program: Command): void {
  const mapping = program.command('mapping').description('which job runs where: the rows of the job mappings table');
  const table = async () => {
    const deployment = await deploymentNameOf(program.opts<{ deployment?: string }>().deployment);
    const tableName = await readParameter(autoscalerParameters(deployment).mappingsTable);
    return { tableName, dynamodb: DynamoDBDocumentClient.from(new DynamoDBClient({})) };
  };

  mapping
    .command('ls')
    .description('list every row')
    .option('--json', 'print JSON instead of a table')
    .action(async ({ json }: { json?: boolean }) => {
      const { tableName, dynamodb } = await table();
      const items: MappingItem[] = [];
      for await (const page of paginateScan({ client: dynamodb }, { TableName: tableName })) {
        items.push(...((page.Items ?? []) as MappingItem[]));
      }
      if (json) return console.log(JSON.stringify(items, null, 2));
      printTable(
        ['job', 'tags', 'project', 'type', 'runs on'],
        items.map((item) => [item.pk, item.sk, item.project ?? '', item.type, item.arn ?? item.profile ?? '']),
      );
    });

  mapping
    .command('import <file>')
    .description('write the rows of a YAML or JSON file')
    .addHelpText('after', '\nExample:\n  $ npm run cli -- mapping import job-mappings.yaml')
    .action(async (file: string) => {
      const items = parseMappingFile(await readFile(file, 'utf8'), file);
      const { tableName, dynamodb } = await table();
      for (const item of items) await dynamodb.send(new PutCommand({ TableName: tableName, Item: item }));
      console.log(`${items.length} mappings written`);
    });

  mapping
    .command('put <job>')
    .description('write one row; the job is a name without parallel suffix, a glob, or "*"')
    .requiredOption('--type <type>', 'LAMBDA, EC2 or IGNORE')
    .option('--tags <tags>', 'tags that must all be on the job, separated by commas', '')
    .option('--project <path>', 'path or glob of the projects')
    .option('--arn <function>', 'LAMBDA: the function, or the name of a LAMBDA profile')
    .option('--profile-name <name>', 'EC2: the profile', 'default')
    .addHelpText('after', '\nExample:\n  $ npm run cli -- mapping put "deploy-*" --tags aws --type LAMBDA --arn shell')
    .action(async (job: string, options: Record<string, string | undefined>) => {
      const item = {
        ...keyOf(job, options.tags),
        type: options.type,
        ...(options.project ? { project: options.project } : {}),
        ...(options.type === 'LAMBDA' ? { arn: options.arn } : {}),
        ...(options.type === 'EC2' ? { profile: options.profileName } : {}),
      };
      parseMappingFile(JSON.stringify([item]), 'the mapping');
      const { tableName, dynamodb } = await table();
      await dynamodb.send(new PutCommand({ TableName: tableName, Item: item }));
      console.log(`written: ${item.pk} ${item.sk}`);
    });

  mapping
    .command('rm <job>')
    .description('remove one row')
    .option('--tags <tags>', 'its tags, separated by commas', '')
    .action(async (job: string, { tags }: { tags?: string }) => {
      const { tableName, dynamodb } = await table();
      const Key = keyOf(job, tags);
      await dynamodb.send(new DeleteCommand({ TableName: tableName, Key }));
      console.log(`removed: ${Key.pk} ${Key.sk}`);
    });
}

function keyOf(job: string, tags = '') {
  const sorted = tags
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean)
    .sort();
  return { pk: `job#${job}`, sk: `tags#${sorted.join('#')}` };
}
