import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { DeployedProfiles } from '../../autoscaler/exports.ts';
import { isUsable, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { examples } from './help-examples.ts';
import type { OpenMappingTable } from './mapping-connection.client.ts';
import { describeChange, describeRow, diffMappings, type MappingDiff } from './mapping-diff.ts';
import {
  describeFaults,
  MappingFileError,
  parseMappingFile,
  readMappingFile,
  renderMappingFile,
  rowsRefusedByImport,
} from './mapping-file.ts';
import type { MappingItem } from './mapping-item.ts';
import { readInput } from './read-input.client.ts';
import { splitWarnings } from './split-warnings.ts';
import { printable } from './table.ts';
import { routesOf } from './tag-splits.ts';
import { UsageError } from './usage-error.ts';

/** More lines of a kind would scroll the rest away; `--json` has all. */
const mostLinesPerKind = 20;

type ImportOptions = {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly json?: boolean;
  readonly offline?: boolean;
};

type FilePorts = {
  readonly readConfiguration: () => Promise<Deployment | null>;
  readonly readDeployed: () => Promise<DeployedProfiles>;
};

/** Adds `mapping import`, `mapping export` and `mapping validate`. */
export function addMappingFileCommands(
  mapping: Command,
  open: OpenMappingTable,
  { readConfiguration, readDeployed }: FilePorts,
): void {
  const warningsOf = async (items: readonly unknown[]) => {
    return splitWarnings(routesOf(items.map(readMapping).filter(isUsable), await readConfiguration()));
  };
  mapping
    .command('import <file>')
    .description('make the table hold the rows of a YAML or JSON file ("-": standard input); shows what changes')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--prune', 'remove the rows that the file lacks')
    .option('--offline', 'also rows whose profile or function is not deployed (yet)')
    .option('--json', 'print JSON: rows added, changed, removed and kept')
    .addHelpText(
      'after',
      examples('mapping import job-mappings.yaml --dry-run', 'mapping import job-mappings.yaml --prune'),
    )
    .action(async (file: string, { dryRun = false, prune = false, json = false, offline = false }: ImportOptions) => {
      const text = await readInput(file);
      const rows = parseMappingFile(text, file, offline ? null : await readDeployed());
      const table = await open();
      const diff = diffMappings(await table.readAll(), rows);
      if (prune && rows.length === 0 && diff.missing.length > 0) {
        throw new UsageError(
          `${file} is an empty list, with which --prune would remove all ${diff.missing.length} rows: remove them with "mapping rm" if you mean it`,
        );
      }
      const warnings = await warningsOf(rowsAfter(diff, prune));
      if (!json) printDiff(diff, prune);
      const put = [...diff.added, ...diff.changed.map(({ after }) => after)];
      if (!dryRun) await table.change(put, prune ? diff.missing : [], progressOn(process.stderr, put.length));
      if (json) return console.log(JSON.stringify({ ...resultOf(diff, { prune, dryRun }), warnings }, null, 2));
      printLines(warnings.map((warning) => `warning: ${warning}`));
      if (dryRun) console.log('nothing is written: --dry-run');
    });

  mapping
    .command('export')
    .description('write every row, with all its attributes, as YAML that "mapping import" reads')
    .option('-o, --output <file>', 'write into a file instead of to standard output')
    .option('--json', 'write JSON instead of YAML')
    .addHelpText('after', examples('mapping export > job-mappings.yaml', 'mapping export --json -o job-mappings.json'))
    .action(async ({ output, json }: { readonly output?: string; readonly json?: boolean }) => {
      const items = await (await open()).readAll();
      const content = renderMappingFile(items, json ? 'json' : 'yaml');
      if (output === undefined) process.stdout.write(content);
      else await writeFile(output, content);
      if (output !== undefined) console.error(`${items.length} mappings written into ${output}`);
      for (const { id, faults } of rowsRefusedByImport(items)) {
        console.error(printable(`"mapping import" will refuse this row: ${id}: ${faults.join('; ')}`));
      }
    });

  mapping
    .command('validate <file>')
    .description(
      'check a YAML or JSON file ("-": standard input), and that the deployment has what it names; ' +
        'exit code 1 and every fault when it has faults',
    )
    .option('--offline', 'without any AWS: do not ask which profiles and functions are deployed')
    .option('--json', 'print JSON: rows, and faults with row, line and id')
    .addHelpText(
      'after',
      examples('mapping validate job-mappings.yaml', 'mapping validate job-mappings.yaml --offline --json'),
    )
    .action(async (file: string, { json, offline }: { readonly json?: boolean; readonly offline?: boolean }) => {
      const text = await readInput(file);
      const { rows, faults } = readMappingFile(text, file, offline ? null : await readDeployed());
      const warnings = faults.length === 0 ? await warningsOf(rows) : [];
      if (json) {
        const valid = faults.length === 0;
        console.log(JSON.stringify({ file, valid, rows: rows.length, faults, warnings }, null, 2));
      }
      if (faults.length > 0) throw new MappingFileError(describeFaults(file, faults));
      if (json) return;
      console.log(`${file} is valid: ${rows.length} mappings`);
      printLines(warnings.map((warning) => `warning: ${warning}`));
    });
}

function printDiff({ added, changed, unchanged, missing }: MappingDiff, prune: boolean): void {
  printLines(added.map((item) => `+ ${describeRow(item)}`));
  printLines(changed.map(({ before, after }) => `~ ${describeRow(after)}  (${describeChange(before, after)})`));
  if (prune) printLines(missing.map((item) => `- ${describeRow(item)}`));
  const removed = prune ? missing.length : 0;
  console.log(`${added.length} added, ${changed.length} changed, ${removed} removed, ${unchanged.length} unchanged`);
  if (!prune && missing.length > 0)
    console.log(`${missing.length} rows are not in the file and stay (--prune removes them)`);
}

/** The table as it will be. */
function rowsAfter({ added, changed, unchanged, missing }: MappingDiff, prune: boolean): MappingItem[] {
  return [...added, ...changed.map(({ after }) => after), ...unchanged, ...(prune ? [] : missing)];
}

function printLines(lines: readonly string[]): void {
  for (const line of lines.slice(0, mostLinesPerKind)) console.log(printable(line));
  if (lines.length > mostLinesPerKind)
    console.log(`  ... and ${lines.length - mostLinesPerKind} more (--json shows all)`);
}

function resultOf(diff: MappingDiff, { prune, dryRun }: { readonly prune: boolean; readonly dryRun: boolean }) {
  return {
    written: !dryRun,
    added: diff.added,
    changed: diff.changed,
    removed: prune ? diff.missing : [],
    kept: prune ? [] : diff.missing,
    unchanged: diff.unchanged.length,
  };
}

/** Thousands of rows take a while: a terminal sees how far it is. */
function progressOn(stream: NodeJS.WriteStream, total: number): (done: number) => void {
  if (!stream.isTTY) return () => {};
  return (done) => stream.write(`\r${done} of ${total} written${done >= total ? '\n' : ''}`);
}
