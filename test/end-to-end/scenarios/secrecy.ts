import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CloudFormationClient, GetTemplateCommand, paginateDescribeStacks } from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import {
  GetExecutionHistoryCommand,
  ListStateMachinesCommand,
  paginateListExecutions,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import type { World } from '../world.ts';

/** Runs after the other scenarios, whose traces it searches. */
export function secrecy(world: () => World): void {
  it('has left no token in user data, tags, items, parameters, variables, templates, workflow histories or logs', async () => {
    const { token, signingToken } = await world().webhookSecret();
    const secrets = [
      /glrt-[\w.-]+/,
      /glcbt-[\w.-]+/,
      new RegExp(escaped(token)),
      new RegExp(escaped(signingToken)),
      new RegExp(escaped(world().run.gitlab.adminToken)),
    ];
    const places = await everythingThatWasWritten(world());

    // The search finds what there is: otherwise it would prove nothing.
    const known = {
      'workflow histories': 'StopEach',
      'launch templates': 'run-single',
      instances: 'gitlab-runners-on-demand:launch-group',
      'log groups': 'runner registered',
      'log files': 'instances requested',
      'job logs': 'Job succeeded',
      items: '"RELEASED"',
      parameters: 'webhook-url=',
      'variables of functions': 'GITLAB_TOKEN_SECRET_ARN',
      templates: 'AWS::StepFunctions::StateMachine',
    };
    expect(Object.keys(places).sort()).toEqual(Object.keys(known).sort());
    for (const [place, word] of Object.entries(known))
      expect(places[place]?.includes(word), `${word} in ${place}`).toBe(true);
    for (const [place, text] of Object.entries(places)) {
      for (const secret of secrets) expect(secret.exec(text)?.[0]?.slice(0, 8), `a secret in ${place}`).toBeUndefined();
    }
  });
}

async function everythingThatWasWritten({ run }: World): Promise<Record<string, string>> {
  const options = run.clientOptions();
  const ec2 = new EC2Client(options);
  const instances: unknown[] = [];
  for await (const page of paginateDescribeInstances({ client: ec2 }, {})) instances.push(page.Reservations);
  return {
    instances: JSON.stringify(instances),
    'launch templates': await launchTemplates(ec2),
    'workflow histories': await workflowHistories(new SFNClient(options)),
    'log groups': await logGroups(new CloudWatchLogsClient(options)),
    'log files': logFiles(run.options.folder),
    'job logs': run.gitlab
      .jobs()
      .map(({ id }) => run.gitlab.jobTrace(id))
      .join('\n'),
    items: JSON.stringify(await run.readItems()),
    parameters: await parameters(new SSMClient(options)),
    'variables of functions': await variables(new LambdaClient(options)),
    templates: await templates(new CloudFormationClient(options)),
  };
}

async function parameters(ssm: SSMClient): Promise<string> {
  const texts: string[] = [];
  for await (const page of paginateGetParametersByPath({ client: ssm }, { Path: '/', Recursive: true })) {
    texts.push(...(page.Parameters ?? []).map(({ Name, Value }) => `${Name}=${Value}`));
  }
  return texts.join('\n');
}

async function variables(lambda: LambdaClient): Promise<string> {
  const texts: string[] = [];
  for await (const page of paginateListFunctions({ client: lambda }, {})) {
    texts.push(...(page.Functions ?? []).map(({ Environment }) => JSON.stringify(Environment)));
  }
  return texts.join('\n');
}

async function templates(cloudFormation: CloudFormationClient): Promise<string> {
  const texts: string[] = [];
  for await (const page of paginateDescribeStacks({ client: cloudFormation }, {})) {
    for (const { StackName } of page.Stacks ?? []) {
      const { TemplateBody = '' } = await cloudFormation.send(new GetTemplateCommand({ StackName }));
      // The image tries gitlab-runner with samples, whose tokens are none.
      texts.push(TemplateBody.replaceAll(/glrt-fake-(?:check|sample)\b/g, ''));
    }
  }
  return texts.join('\n');
}

async function launchTemplates(ec2: EC2Client): Promise<string> {
  const { LaunchTemplates = [] } = await ec2.send(new DescribeLaunchTemplatesCommand({}));
  const texts = LaunchTemplates.map(async ({ LaunchTemplateId }) => {
    const versions = await ec2.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId }));
    const userData = (versions.LaunchTemplateVersions ?? []).map(({ LaunchTemplateData }) =>
      unpacked(Buffer.from(LaunchTemplateData?.UserData ?? '', 'base64').toString('utf8')),
    );
    return [JSON.stringify(versions.LaunchTemplateVersions), ...userData].join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}

/** A boot script with what it carries compressed, which is most of it. */
function unpacked(bootScript: string): string {
  const parts = [...bootScript.matchAll(/base64 -d <<<'([A-Za-z0-9+/=]+)' \| gzip -d/g)];
  return [bootScript, ...parts.map(([, part = '']) => gunzipSync(Buffer.from(part, 'base64')).toString('utf8'))].join(
    '\n',
  );
}

async function workflowHistories(sfn: SFNClient): Promise<string> {
  const { stateMachines = [] } = await sfn.send(new ListStateMachinesCommand({}));
  const texts: string[] = [];
  for (const { stateMachineArn } of stateMachines) {
    for await (const page of paginateListExecutions({ client: sfn }, { stateMachineArn })) {
      for (const { executionArn } of page.executions ?? []) {
        texts.push(JSON.stringify(await sfn.send(new GetExecutionHistoryCommand({ executionArn }))));
      }
    }
  }
  return texts.join('\n');
}

async function logGroups(logs: CloudWatchLogsClient): Promise<string> {
  const texts: string[] = [];
  for await (const page of paginateDescribeLogGroups({ client: logs }, {})) {
    for (const { logGroupName } of page.logGroups ?? []) {
      for await (const found of paginateFilterLogEvents({ client: logs }, { logGroupName })) {
        texts.push(...(found.events ?? []).map(({ message }) => message ?? ''));
      }
    }
  }
  return texts.join('\n');
}

/** What the local AWS, the instances and our own command line wrote down. */
function logFiles(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
