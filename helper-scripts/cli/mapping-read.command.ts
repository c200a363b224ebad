import type { Command } from 'commander';
import { isUsable, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { examples } from './help-examples.ts';
import type { OpenMappingTable } from './mapping-connection.client.ts';
import { textOf } from './mapping-diff.ts';
import { type MappingItem, withAttributesInOrder } from './mapping-item.ts';
import { addressedRows, describeAddress, type RowAddress } from './mapping-rows.ts';
import { mappingCells, mappingHead } from './mapping-view.ts';
import { printable, printTable } from './table.ts';
import { UsageError } from './usage-error.ts';

/** Adds `mapping ls` and `mapping get`. */
export function addMappingReadCommands(mapping: Command, open: OpenMappingTable): void {
  mapping
    .command('ls')
    .description('list every row; a row that is not valid is marked, and is skipped when a job comes')
    .option('--json', 'print JSON instead of a table')
    .addHelpText('after', examples('mapping ls', 'mapping ls --json | jq -r ".[].pk"'))
    .action(async ({ json }: { json?: boolean }) => {
      const items = await (await open()).readAll();
      if (json) return console.log(JSON.stringify(items.map(withAttributesInOrder), null, 2));
      if (items.length === 0) return console.log('no job mappings');
      printTable(mappingHead, items.map(mappingCells));
      warnOfInvalid(items);
    });

  mapping
    .command('get [job]')
    .description('show the rows of a job name (as it stands in the row), with everything that they hold')
    .option('--tags <tags>', 'only the row of exactly these tags, separated by commas; "" for none')
    .option('--pk <pk>', 'instead of a job name: the pk as it stands in the table')
    .option('--sk <sk>', 'only the row with this sk')
    .option('--json', 'print JSON, a list, instead of a table')
    .addHelpText('after', examples('mapping get "deploy-*"', 'mapping get "*" --tags aws,big --json'))
    .action(async (job: string | undefined, options: Omit<RowAddress, 'job'> & { json?: boolean }) => {
      const address = { ...options, job };
      const rows = await addressedRows(await open(), address);
      if (rows.length === 0) {
        throw new UsageError(
          `There is no row for ${describeAddress(address)}; "mapping explain --job NAME" shows what a job gets`,
        );
      }
      if (options.json) return console.log(JSON.stringify(rows.map(withAttributesInOrder), null, 2));
      for (const row of rows) {
        printTable(
          ['attribute', 'value'],
          Object.entries(withAttributesInOrder(row)).map(([name, value]) => [
            printable(name),
            printable(textOf(value)),
          ]),
        );
      }
      warnOfInvalid(rows);
    });
}

/** On stderr, beside whatever was printed for people or machines. */
function warnOfInvalid(items: readonly MappingItem[]): void {
  const invalid = items.map(readMapping).filter((row) => !isUsable(row));
  for (const row of invalid) {
    if (!isUsable(row)) console.error(printable(`not valid, and skipped: ${row.id}: ${row.faults.join('; ')}`));
  }
}
