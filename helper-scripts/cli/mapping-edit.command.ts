import type { Command } from 'commander';
import type { DeployedProfiles } from '../../autoscaler/exports.ts';
import { isUsable, readMapping, rowIdOf } from '../../autoscaler/job-mappings/job-mapping.ts';
import { examples } from './help-examples.ts';
import type { OpenMappingTable } from './mapping-connection.client.ts';
import { describeChange, describeRow } from './mapping-diff.ts';
import { type MappingItem, mappingKeyOf, tagsOfList } from './mapping-item.ts';
import { addressedRows, describeAddress, type RowAddress } from './mapping-rows.ts';
import { printable } from './table.ts';
import { undeployedFaults } from './undeployed.ts';
import { UsageError } from './usage-error.ts';

type PutOptions = {
  readonly type: string;
  readonly tags: string;
  readonly project?: string;
  readonly ref?: string;
  readonly stage?: string;
  readonly protected?: boolean;
  readonly arn?: string;
  readonly profileName?: string;
  readonly fallbackProfile?: string;
  readonly maxConcurrent?: string;
  readonly timeoutMinutes?: string;
  readonly exact?: string;
  readonly replace?: boolean;
  readonly offline?: boolean;
  readonly json?: boolean;
};

/** Adds `mapping put` and `mapping rm`. */
export function addMappingEditCommands(
  mapping: Command,
  open: OpenMappingTable,
  readDeployed: () => Promise<DeployedProfiles>,
): void {
  mapping
    .command('put <job>')
    .description('write one row; the job is a name without parallel suffix, a glob, or "*"')
    .requiredOption('--type <type>', 'LAMBDA, EC2 or IGNORE')
    .option('--tags <tags>', 'tags that must all be on the job, separated by commas', '')
    .option('--project <path>', 'only jobs of this project: its path, or a glob ("group/**")')
    .option('--ref <ref>', 'only jobs of this branch or tag, or a glob')
    .option('--stage <stage>', 'only jobs of this stage')
    .option('--protected', 'only jobs of protected branches and tags')
    .option('--arn <function>', 'LAMBDA: the function, or the name of a LAMBDA profile')
    .option(
      '--fallback-profile <name>',
      'LAMBDA: the profile that is used once the function did not give the job a runner',
    )
    .option('--profile-name <name>', 'EC2: the profile ("default" when not given)')
    .option('--max-concurrent <count>', 'runners of this row that may live at the same time')
    .option('--timeout-minutes <minutes>', 'longest time of a job')
    .option(
      '--exact <seconds>',
      'how long a job waits for an earlier one of another profile that is not being started: seconds, always or off',
    )
    .option('--offline', 'also a row whose profile or function is not deployed (yet)')
    .option('--replace', 'write over a row that is there and says something else')
    .option('--json', 'print JSON: what was written, and what was there before')
    .addHelpText(
      'after',
      examples(
        'mapping put "*" --tags aws --type LAMBDA --arn shell',
        'mapping put "deploy-*" --type LAMBDA --arn shell --fallback-profile default',
        'mapping put "integration tests" --type EC2 --profile-name large --max-concurrent 4',
        'mapping put "deploy-*" --project "group/**" --type IGNORE --replace',
      ),
    )
    .action(async (job: string, options: PutOptions) => {
      const item = mappingItemOf(job, options);
      if (!options.offline) refuseFaults(undeployedFaults(item, await readDeployed()));
      const table = await open();
      const there = await table.create(item);
      const changes = there ? describeChange(there, item) : '';
      if (there && changes && !options.replace) {
        throw new UsageError(
          printable(
            `The row ${rowIdOf(item)} is there and says something else (old -> new): ${changes}. Add --replace to write over it.`,
          ),
        );
      }
      const replaced = there && changes ? await table.replace(item) : null;
      if (options.json) return console.log(JSON.stringify({ written: item, replaced }, null, 2));
      if (there && !changes) return console.log(printable(`unchanged: ${describeRow(item)}`));
      console.log(printable(`written: ${describeRow(item)}`));
      if (replaced) console.log(printable(`replaced (old -> new): ${describeChange(replaced, item)}`));
    });

  mapping
    .command('rm [job]')
    .description('remove one row')
    .option('--tags <tags>', 'its tags, separated by commas', '')
    .option('--pk <pk>', 'instead of a job name: the pk as it stands in the table')
    .option('--sk <sk>', 'instead of tags: the sk as it stands in the table')
    .option('--json', 'print JSON: the row that was removed')
    .addHelpText('after', examples('mapping rm "deploy-*" --tags aws', 'mapping rm --pk "deploy" --sk "aws"'))
    .action(async (job: string | undefined, { json, tags, ...options }: RowAddress & { json?: boolean }) => {
      const address = { ...options, job, tags: options.sk === undefined ? tags : undefined };
      const table = await open();
      const [row, ...others] = await addressedRows(table, address);
      if (!row) throw new UsageError(await describeMissing(address, addressedRows(table, { job, pk: options.pk })));
      if (others.length > 0) {
        const keys = [row, ...others].map(({ sk }) => `"${sk}"`).join(', ');
        throw new UsageError(
          `Several rows are written for ${describeAddress(address)}: choose one with --sk (${keys})`,
        );
      }
      const removed = await table.remove(row);
      if (json) return console.log(JSON.stringify({ removed: removed ?? row }, null, 2));
      console.log(printable(`removed: ${describeRow(removed ?? row)}`));
    });
}

async function describeMissing(address: RowAddress, sameName: Promise<readonly MappingItem[]>): Promise<string> {
  const keys = (await sameName).map(({ sk }) => `"${sk}"`);
  const known = keys.length === 0 ? '' : `; that name has rows with sk ${keys.join(', ')}`;
  return printable(`There is no row for ${describeAddress(address)}${known}`);
}

/** @throws {UsageError} naming every fault. */
function mappingItemOf(job: string, options: PutOptions): MappingItem {
  const { type, project, arn, profileName, fallbackProfile, maxConcurrent, timeoutMinutes, exact } = options;
  const tags = tagsOfList(options.tags);
  const item = {
    ...mappingKeyOf(job, tags),
    type,
    ...(type === 'LAMBDA' && arn !== undefined ? { arn } : {}),
    ...(type === 'LAMBDA' && fallbackProfile !== undefined ? { fallbackProfile } : {}),
    ...(type === 'EC2' ? { profile: profileName ?? 'default' } : {}),
    ...(project === undefined ? {} : { project }),
    ...(options.ref === undefined ? {} : { ref: options.ref }),
    ...(options.stage === undefined ? {} : { stage: options.stage }),
    ...(options.protected ? { protected: true } : {}),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent: Number(maxConcurrent) }),
    ...(timeoutMinutes === undefined ? {} : { timeoutMinutes: Number(timeoutMinutes) }),
    ...(exact === undefined ? {} : { exact: /^\d+$/u.test(exact) ? Number(exact) : exact }),
  };
  const read = readMapping(item);
  const faults = [
    ...(isUsable(read) ? [] : read.faults),
    ...(arn !== undefined && type !== 'LAMBDA' ? ['--arn is for --type LAMBDA'] : []),
    ...(fallbackProfile !== undefined && type !== 'LAMBDA' ? ['--fallback-profile is for --type LAMBDA'] : []),
    ...(profileName !== undefined && type !== 'EC2' ? ['--profile-name is for --type EC2'] : []),
  ];
  refuseFaults(faults);
  return item;
}

/** @throws {UsageError} naming every fault. */
function refuseFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new UsageError(
    `The mapping has faults, and nothing was written:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
  );
}
