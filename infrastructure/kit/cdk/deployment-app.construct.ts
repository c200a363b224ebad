import { resolve } from 'node:path';
import { App, type StackProps, Tags, Validations } from 'aws-cdk-lib';
import { importConfigFile } from '../../deployment/config-file.ts';
import { type Deployment, deploymentsOf } from '../../deployment/deployment.ts';
import { deploymentTag } from '../../deployment/deployment-tag.ts';
import { DeploymentConfigError } from '../../deployment/faults.ts';
import { applyAccountRules } from './account-rules.construct.ts';
import type { AppName } from './parameter-names.ts';

const defaultConfigFile = resolve(import.meta.dirname, '../../../deployment.config.ts');

/**
 * The CDK app of one subsystem for the chosen deployment: `-c deployment=NAME` chooses among several, `-c config=FILE`
 * reads another file than the repository's `deployment.config.ts`. The file's default export is one deployment or a
 * list of them. `-c nag=true` checks the templates with cdk-nag.
 *
 * @throws {DeploymentConfigError} when the file or the name fits nothing.
 */
export async function createDeploymentApp(appName: AppName, app = new App()) {
  const file = app.node.tryGetContext('config');
  const configFile = file ? resolve(String(file)) : defaultConfigFile;
  const deployments = deploymentsOf(await importConfigFile(configFile));
  const deployment = chooseDeployment(deployments, app.node.tryGetContext('deployment'), configFile);
  for (const [key, value] of Object.entries(deployment.resourceTags)) Tags.of(app).add(key, value);
  Tags.of(app).add(deploymentTag, deployment.name);
  if (app.node.tryGetContext('nag')) await checkWithNag(app);
  applyAccountRules(app, deployment);
  // A template that CloudFormation would refuse is refused here.
  app.node.setContext('@aws-cdk/core:validateAgainstDefaultRules', true);
  const account = deployment.account ?? process.env.CDK_DEFAULT_ACCOUNT;
  const region = deployment.region ?? process.env.CDK_DEFAULT_REGION;
  const stackProps: StackProps = {
    stackName: `${deployment.name}-${appName}`,
    env: { ...(account ? { account } : {}), ...(region ? { region } : {}) },
  };
  return { app, deployment, stackProps };
}

/**
 * `createDeploymentApp` for the program that the CDK starts: faults of the configuration end it with their list alone,
 * which a stack trace would hide.
 */
export async function startDeploymentApp(appName: AppName) {
  return createDeploymentApp(appName).catch((error: unknown) => {
    if (!(error instanceof DeploymentConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  });
}

/**
 * Synthesis fails where cdk-nag finds something. Only when asked: it is of no use to `cdk deploy`, and needs a second
 * or two.
 */
async function checkWithNag(app: App): Promise<void> {
  const { AwsSolutionsChecks } = await import('cdk-nag');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}

function chooseDeployment(deployments: readonly Deployment[], wanted: unknown, configFile: string): Deployment {
  const names = deployments.map((deployment) => deployment.name).join(', ');
  const chosen =
    wanted === undefined && deployments.length === 1 ? deployments[0] : deployments.find(({ name }) => name === wanted);
  if (chosen) return chosen;
  const problem =
    wanted === undefined ? 'has several deployments and none was chosen' : `has no deployment "${wanted}"`;
  throw new DeploymentConfigError(`${configFile} ${problem}: add -c deployment=NAME with one of: ${names}`);
}
