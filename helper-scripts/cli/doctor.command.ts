import type { Command } from 'commander';
import type { DeploymentOptions } from './deployments.client.ts';
import { examples } from './help-examples.ts';
import { printable, printTable } from './table.ts';

/** Adds `doctor` to the command line. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('what is wrong with the deployment, and what to do; exit code 1 when something is')
    .option('--json', 'print JSON, a list, instead of a table')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(async ({ json = false }: { readonly json?: boolean }) => {
      const { examineDeployment } = await import('./examine-deployment.client.ts');
      const { diagnose } = await import('./diagnose.ts');
      const findings = diagnose(await examineDeployment(program.opts<DeploymentOptions>()), Date.now());
      if (json) console.log(JSON.stringify(findings, null, 2));
      else if (findings.length === 0) console.log('nothing is wrong that can be seen from here');
      else
        printTable(
          ['what', 'is wrong', 'what to do'],
          findings.map(({ what, wrong, remedy }) => [what, wrong, remedy].map(printable)),
        );
      if (findings.length > 0) process.exitCode = 1;
    });
}
