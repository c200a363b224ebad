import type { Command } from 'commander';
import { explainMapping, type MappingExplanation } from '../../autoscaler/job-mappings/explain-mapping.ts';
import { isUsable, type JobMapping, readMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { baseJobName } from '../../autoscaler/job-mappings/job-name.ts';
import type { JobToMap } from '../../autoscaler/job-mappings/judge-mapping.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { describeReason, targetText } from './explanation-text.ts';
import { examples } from './help-examples.ts';
import { lambdaWarnings } from './lambda-warnings.ts';
import type { OpenMappingTable } from './mapping-connection.client.ts';
import { readMappingFile } from './mapping-file.ts';
import { tagsOfList } from './mapping-item.ts';
import { readInput } from './read-input.client.ts';
import { splitWarningsOfJob } from './split-warnings.ts';
import { printable, printTable } from './table.ts';
import { routesOf } from './tag-splits.ts';
import { describeWithoutRow, targetWithoutRow, type WithoutRow } from './without-row.ts';

type ExplainOptions = {
  readonly job: string;
  readonly tags: string;
  readonly project?: string;
  readonly ref?: string;
  readonly stage?: string;
  readonly protected?: boolean;
  readonly file?: string;
  readonly all?: boolean;
  readonly json?: boolean;
};

/** Adds `mapping explain`. */
export function addMappingExplainCommand(
  mapping: Command,
  open: OpenMappingTable,
  readConfiguration: () => Promise<Deployment | null>,
): void {
  mapping
    .command('explain')
    .description('say which row a job gets, and why it gets none of the others')
    .requiredOption(
      '--job <name>',
      'the name of the job as GitLab shows it, with the suffix of parallel and matrix jobs',
    )
    .option('--tags <tags>', 'the tags of the job, separated by commas', '')
    .option('--project <path>', 'the path of its project; rows that ask for a project do not match without it')
    .option('--ref <ref>', 'its branch or tag; rows that ask for a ref do not match without it')
    .option('--stage <stage>', 'its stage; rows that ask for a stage do not match without it')
    .option('--protected', 'its branch or tag is protected in GitLab')
    .option(
      '--file <file>',
      'take the rows of a YAML or JSON file ("-": standard input) instead of the table, without any AWS',
    )
    .option('--all', 'also show the rows whose name is another')
    .option('--json', 'print JSON: the chosen row, and each other row with its reason')
    .addHelpText(
      'after',
      examples(
        'mapping explain --job "rspec 3/28" --tags aws,big --project group/app',
        'mapping explain --job "test: [a, b]" --file job-mappings.yaml --json',
      ),
    )
    .action(async ({ job: jobName, tags, project, file, all = false, json = false, ...options }: ExplainOptions) => {
      const { ref, stage, protected: isProtected } = options;
      const given = { jobName, projectPath: project ?? null, tags: tagsOfList(tags) };
      const job = { ...given, ref, stage, isProtected };
      const rows = await readRows(open, file);
      const configured = await readConfiguration();
      const explanation = explainMapping(job, rows);
      const found = { explanation, ...outcomeOf(job, explanation, rows.filter(isUsable), configured) };
      if (json) console.log(JSON.stringify(jsonOf(job, found), null, 2));
      else printExplanation(job, found, all);
    });
}

async function readRows(open: OpenMappingTable, file: string | undefined) {
  const items = file === undefined ? await (await open()).readAll() : readMappingFile(await readInput(file), file).rows;
  return items.map(readMapping);
}

type Found = {
  readonly explanation: MappingExplanation;
  /** Where the job goes by the configuration, when no row is its own. */
  readonly withoutRow: WithoutRow | null;
  readonly warnings: readonly string[];
};

function outcomeOf(
  job: JobToMap,
  { chosen }: MappingExplanation,
  mappings: readonly JobMapping[],
  configured: Deployment | null,
): Omit<Found, 'explanation'> {
  const withoutRow = chosen ? null : targetWithoutRow(job.tags, configured);
  const target = chosen ?? withoutRow;
  const warnings = [
    ...(target ? lambdaWarnings(target) : []),
    ...splitWarningsOfJob(job, routesOf(mappings, configured)),
  ];
  return { withoutRow, warnings };
}

function jsonOf(job: JobToMap, { explanation: { chosen, others }, withoutRow, warnings }: Found) {
  return {
    job: { ...job, baseName: baseJobName(job.jobName) },
    chosen,
    ...(withoutRow === null ? {} : { withoutRow }),
    warnings,
    others: others.map(({ row, reason }) => ({ id: row.id, reason, text: describeReason(reason) })),
  };
}

function printExplanation(job: JobToMap, { explanation, withoutRow, warnings }: Found, all: boolean): void {
  const { chosen, others } = explanation;
  const base = baseJobName(job.jobName);
  const name = base === job.jobName ? `"${base}"` : `"${job.jobName}" (without its suffix "${base}")`;
  console.log(
    printable(`job ${name}, tags: ${job.tags.join(', ') || '(none)'}, project: ${job.projectPath ?? '(not given)'}`),
  );
  console.log(
    chosen
      ? printable(`chosen: ${chosen.id}  ${targetText(chosen)}`)
      : printable(`chosen: no row; ${describeWithoutRow(withoutRow)}`),
  );
  for (const warning of warnings) console.log(printable(`warning: ${warning}`));
  const shown = all ? others : others.filter(({ reason }) => reason.kind !== 'other-name');
  if (shown.length > 0) {
    console.log();
    printTable(
      ['row', 'runs on', 'why not'],
      shown.map(({ row, reason }) =>
        [row.id, isUsable(row) ? targetText(row) : '', describeReason(reason)].map(printable),
      ),
    );
  }
  const hidden = others.length - shown.length;
  if (hidden > 0) console.log(`${hidden} rows are for other names (--all shows them)`);
}
