import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { autoscalerParameters, type DeployedProfiles } from '../../../autoscaler/exports.ts';
import { type PlainItem, plainItemOf } from '../../../autoscaler/job-mappings/attribute-values.ts';
import { createJobMappings } from '../../../autoscaler/job-mappings/job-mappings.client.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import type { MappingItem } from '../../../helper-scripts/cli/mapping-item.ts';
import { createMappingTable } from '../../../helper-scripts/cli/mapping-table.client.ts';
import { inLocalAws } from '../../../helper-scripts/local-aws/local-aws-environment.ts';
import { infrastructureParameters } from '../../../infrastructure/exports.ts';
import { jobEventSource } from '../../../infrastructure/kit/job-event-types.ts';
import { createTablesAsDeployed } from '../../support/dynamodb-tables.ts';
import { repository, startTestAws } from '../local-aws/start-test-aws.ts';

const deployment = 'gitlab-runners';
const mappingsTable = 'the-mappings-table';
const runnersTable = 'the-runners-table';
const deployedProfiles: DeployedProfiles = {
  default: { type: 'EC2' },
  large: { type: 'EC2' },
  shell: { type: 'LAMBDA', functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:shell' },
};
const secretNames = { gitlabToken: 'the-gitlab-token', webhook: 'the-webhook-secret' };
export const webhookUrl = 'https://hooks.example.com/webhook/not-guessable';

export type Outcome = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

type CliOptions = {
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Ends the process, as Ctrl-C would, once its standard output has this many lines. */
  readonly stopAfterLines?: number;
};

/** The command line as a user runs it: a process of its own, which sees these variables only. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<Outcome> {
  const { environment, input = '', stopAfterLines = Number.POSITIVE_INFINITY } = options;
  const program = join(repository, 'helper-scripts/cli/cli.command.ts');
  const child = spawn(process.execPath, [program, ...args], {
    cwd: repository,
    // Less time for loading the AWS SDK again and again, in the next run of the tests too.
    env: { NODE_COMPILE_CACHE: join(repository, '.local/cli-test-compile-cache'), ...environment },
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('\n').length - 1;
    if (lines >= stopAfterLines) child.kill('SIGINT');
  });
  const exited = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  const [exitCode, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

/**
 * A local AWS with all that the command line looks for: two tables, and the parameters that name them, as if deployed.
 */
export async function startCliWorld() {
  const aws = await startTestAws();
  const connection = {
    endpoint: aws.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const dynamodb = new DynamoDBClient(connection);
  const documents = DynamoDBDocumentClient.from(dynamodb, { marshallOptions: { removeUndefinedValues: true } });
  await createTablesAsDeployed(dynamodb, { JobMappings: mappingsTable, Runners: runnersTable });
  const bus = await openBus(connection);
  await publishNames(new SSMClient(connection), bus.arn);
  const secrets = new SecretsManagerClient(connection);
  for (const Name of Object.values(secretNames)) {
    await secrets.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify({ token: 'not-a-real-secret' }) }));
  }
  const environment = inLocalAws(process.env, aws);
  const table = createMappingTable(dynamodb, mappingsTable);
  return {
    environment,
    cli: (...args: readonly string[]) => runCli(args, { environment }),
    cliWith: (options: Partial<CliOptions>, ...args: readonly string[]) => runCli(args, { environment, ...options }),
    rows: async (): Promise<PlainItem[]> => {
      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: mappingsTable }));
      return Items.map(plainItemOf);
    },
    /** The rows as the autoscaler reads them when a job comes. */
    readAsAutoscaler: () => createJobMappings(documents, mappingsTable, Date.now).read(),
    /** Makes the table hold these rows and no others. */
    async fill(...rows: readonly MappingItem[]): Promise<void> {
      const wanted = new Set(rows.map(({ pk, sk }) => `${pk} ${sk}`));
      await table.change(
        rows,
        (await table.readAll()).filter(({ pk, sk }) => !wanted.has(`${pk} ${sk}`)),
      );
    },
    /** What was put on the deployment's bus since the last question. */
    told: bus.told,
    async readRunner(pk: string): Promise<Record<string, unknown> | undefined> {
      return (await documents.send(new GetCommand({ TableName: runnersTable, Key: { pk } }))).Item;
    },
    putRunner: (item: RunnerItem) => documents.send(new PutCommand({ TableName: runnersTable, Item: item })),
    async secret(name: keyof typeof secretNames): Promise<Record<string, string>> {
      const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: secretNames[name] }));
      return JSON.parse(SecretString ?? '{}');
    },
    async storeSecret(name: keyof typeof secretNames, value: object): Promise<void> {
      const [SecretId, SecretString] = [secretNames[name], JSON.stringify(value)];
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
    },
    stop: () => aws.stop(),
  };
}

type Connection = {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

/** What was heard is not heard again half a minute later, however slow the machine is. */
const heardOnce = { VisibilityTimeout: '43200' };

/** The deployment's event bus, and a queue that hears what is on it. */
async function openBus(connection: Connection) {
  const events = new EventBridgeClient(connection);
  const sqs = new SQSClient(connection);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'heard', Attributes: heardOnce }));
  const asked = { QueueUrl, AttributeNames: ['QueueArn' as const] };
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand(asked));
  const { EventBusArn = '' } = await events.send(new CreateEventBusCommand({ Name: 'jobs' }));
  const rule = { Name: 'all', EventBusName: 'jobs', EventPattern: JSON.stringify({ source: [jobEventSource] }) };
  await events.send(new PutRuleCommand(rule));
  const Targets = [{ Id: 'heard', Arn: Attributes?.QueueArn ?? '' }];
  await events.send(new PutTargetsCommand({ Rule: 'all', EventBusName: 'jobs', Targets }));
  return {
    arn: EventBusArn,
    async told(): Promise<{ readonly 'detail-type': string; readonly detail: object }[]> {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      return Messages.map(({ Body = '{}' }) => JSON.parse(Body));
    },
  };
}

async function publishNames(ssm: SSMClient, eventBusArn: string): Promise<void> {
  const autoscaler = autoscalerParameters(deployment);
  const infrastructure = infrastructureParameters(deployment);
  for (const [Name, Value] of [
    [autoscaler.mappingsTable, mappingsTable],
    [autoscaler.runnersTable, runnersTable],
    [autoscaler.profiles, JSON.stringify(deployedProfiles)],
    [autoscaler.deadLetterQueues, '{}'],
    [infrastructure.eventBusArn, eventBusArn],
    [infrastructure.gitlabTokenSecretArn, secretNames.gitlabToken],
    [infrastructure.webhookSecretArn, secretNames.webhook],
    [infrastructure.webhookUrl, webhookUrl],
  ]) {
    await ssm.send(new PutParameterCommand({ Name, Value, Type: 'String' }));
  }
}
