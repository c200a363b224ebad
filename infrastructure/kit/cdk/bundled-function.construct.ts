import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { CfnRole } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

const repository = resolve(import.meta.dirname, '../../..');

/** The Lambda's bundle is not there. */
export class BundleMissingError extends Error {
  override readonly name = 'BundleMissingError';
}

export type BundledFunctionProps = {
  /** Absolute path of the `name.lambda.ts`. */
  readonly entry: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  /** More memory is more CPU too: 512 MiB loads the SDK in about a third of the time of 128 MiB. */
  readonly memoryMiB?: number;
  readonly reservedConcurrency?: number;
  /** Leaves out Lambda's own three lines for each call, which cost more than the call where nothing happens. */
  readonly quiet?: boolean;
  /** Its log group stays when the stack goes, to be read afterwards. */
  readonly logOutlivesStack?: boolean;
};

/**
 * One of our Lambdas: Node 24 on arm64, bundled by `npm run build`, with its own log group that, as a rule, ends with
 * the stack.
 */
export class BundledFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: BundledFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: props.logOutlivesStack ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    super(scope, id, {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(bundleFolderOf(props.entry)),
      memorySize: props.memoryMiB ?? 512,
      timeout: Duration.seconds(props.timeoutSeconds),
      environment: { ...props.environment },
      loggingFormat: LoggingFormat.JSON,
      ...(props.quiet ? { systemLogLevelV2: SystemLogLevel.WARN } : {}),
      logGroup,
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
    });
    // The CDK gives each function AWS's policy to write any log of the account: ours write their own.
    (this.role?.node.defaultChild as CfnRole).managedPolicyArns = [];
    logGroup.grantWrite(this);
  }
}

/** The folder with the bundle of a `name.lambda.ts`. @throws {BundleMissingError} when nobody has built it. */
export function bundleFolderOf(entry: string): string {
  const app = relative(repository, entry).split('/')[0] ?? '';
  const folder = join(repository, 'dist', app, basename(entry, '.lambda.ts'));
  if (!existsSync(join(folder, 'index.mjs'))) {
    throw new BundleMissingError(
      `${relative(repository, entry)} is not bundled (${folder} is missing): run "npm run build" first`,
    );
  }
  return folder;
}
