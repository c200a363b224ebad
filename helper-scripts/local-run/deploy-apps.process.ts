import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from './command.process.ts';

/** Where the apps are that are deployed. */
export type AppSource = {
  /** Folder of a checkout, with its npm packages. */
  readonly repository: string;
  /** The local run's `deployment.config.ts` of that checkout. */
  readonly config: string;
};

export const ourApps: AppSource = {
  repository: resolve(import.meta.dirname, '../..'),
  config: join(import.meta.dirname, 'deployment.config.ts'),
};

export type DeployOptions = {
  /** Variables that point the CDK at an account and endpoint. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly account: string;
  readonly region: string;
  /** Folder for logs and for what the CDK synthesizes. */
  readonly folder: string;
  readonly source: AppSource;
  readonly signal?: AbortSignal | undefined;
};

/** `cdk bootstrap`, from an empty folder: inside an app it would synthesize the app once more. */
export async function bootstrap({ environment, account, region, folder, signal }: DeployOptions): Promise<void> {
  const empty = join(folder, 'bootstrap');
  mkdirSync(empty, { recursive: true });
  await runCommand('cdk', ['bootstrap', `aws://${account}/${region}`, '--no-notices'], {
    cwd: empty,
    environment,
    logFile: join(folder, 'cdk.log'),
    signal,
  });
}

/** `cdk synth` in an app's folder, as `deployApp` would do it; returns the folder with templates and assets. */
export async function synthesizeApp(app: string, options: DeployOptions): Promise<string> {
  const { environment, folder, source, signal } = options;
  const assembly = join(folder, 'cdk.out', `${app}-synthesized`);
  await runCommand('cdk', ['synth', '--quiet', '--no-notices', '-c', `config=${source.config}`, '--output', assembly], {
    cwd: join(source.repository, app),
    environment,
    logFile: join(folder, 'cdk.log'),
    signal,
  });
  return assembly;
}

/** `cdk deploy` in an app's folder, with the local deployment's configuration; tells of each resource that is made. */
export async function deployApp(
  app: string,
  options: DeployOptions,
  onProgress: (line: string) => void,
): Promise<void> {
  const { environment, folder, source, signal } = options;
  const args = [
    'deploy',
    '--require-approval',
    'never',
    '--no-notices',
    '--progress',
    'events',
    '-c',
    `config=${source.config}`,
  ];
  await runCommand('cdk', [...args, '--output', join(folder, 'cdk.out', app)], {
    cwd: join(source.repository, app),
    environment,
    logFile: join(folder, 'cdk.log'),
    onLine: (line) => {
      const made = /\|\s*(CREATE_COMPLETE|UPDATE_COMPLETE)\s*\|\s*(\S+)\s*\|\s*(\S+)/.exec(line);
      if (made) onProgress(`${made[2]} ${made[3]}`);
    },
    signal,
  });
}

/** `cdk destroy` in an app's folder. */
export async function destroyApp(app: string, { environment, folder, source, signal }: DeployOptions): Promise<void> {
  const args = ['destroy', '--force', '--no-notices', '-c', `config=${source.config}`];
  await runCommand('cdk', [...args, '--output', join(folder, 'cdk.out', `${app}-destroyed`)], {
    cwd: join(source.repository, app),
    environment,
    logFile: join(folder, 'cdk.log'),
    signal,
  });
}
