import type { Command } from 'commander';
import { isUsable } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { DeploymentOptions } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { printable, printTable } from './table.ts';

/** Adds `doctor` to the command line. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong with the deployment, and what to do; exit code 1 when something is')
    .option('--json', 'print JSON, a list of what is wrong, instead of a table, warnings and the quotas')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { examineDeployment } = await import('./examine-deployment.client.ts');
      const { diagnose } = await import('./diagnose.ts');
      const { quotaNotes } = await import('./quota-notes.ts');
      const { splitWarnings } = await import('./split-warnings.ts');
      const { routesOf } = await import('./tag-splits.ts');
      const seen = await examineDeployment(program.opts<DeploymentOptions>());
      const findings = diagnose(seen, Date.now());
      if (json) console.log(JSON.stringify(findings, null, 2));
      else if (findings.length === 0) console.log('nothing is wrong that can be seen from here');
      else
        printTable(
          ['what', 'is wrong', 'what to do'],
          findings.map(({ what, wrong, remedy }) => [what, wrong, remedy].map(printable)),
        );
      const warnings = splitWarnings(routesOf(seen.rows.filter(isUsable), seen.configured));
      if (!json) {
        for (const warning of warnings) console.log(printable(`warning: ${warning}`));
        for (const note of quotaNotes(seen.quotas, seen.configured)) console.log(printable(note));
      }
      if (findings.length > 0) process.exitCode = 1;
    });
}
