import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { Ec2RunnerAmiStack } from '../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import { defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { InfrastructureStack } from '../../infrastructure/infrastructure.stack.ts';
import { LambdaShellRunnerStack } from '../../lambda-shell-runner/lambda-shell-runner.stack.ts';
import { rightsOf } from '../support/rights-of-template.ts';
import { accountId, region } from '../support/template-permissions.ts';

const env = { account: accountId, region };
/** One of each kind of profile, and each setting that gives a right. */
const deployment = defineDeployment({
  name: 'ci',
  profiles: {
    default: { type: 'EC2', cache: { prefix: 'linux' } },
    private: {
      type: 'EC2',
      registries: {
        ecr: [`${accountId}.dkr.ecr.${region}.amazonaws.com/team/*`],
        secretArn: `arn:aws:secretsmanager:${region}:${accountId}:secret:registries-AbCdEf`,
      },
    },
    reachable: { type: 'EC2', ssh: { keyName: 'oncall', cidrs: ['192.0.2.0/24'] }, sessionManager: true },
    shared: {
      type: 'EC2',
      runnerTokenSecretArn: `arn:aws:secretsmanager:${region}:${accountId}:secret:runner-token-AbCdEf`,
    },
    shell: { type: 'LAMBDA', packaging: 'zip', managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
    apart: { type: 'LAMBDA', packaging: 'zip', isolateProjects: true },
  },
});
const newApp = () => new App({ context: { 'aws:cdk:bundling-stacks': [] } });
const stacks = {
  infrastructure: () => new InfrastructureStack(newApp(), 'Stack', { env, deployment }),
  'lambda-shell-runner': () => new LambdaShellRunnerStack(newApp(), 'Stack', { env, deployment }),
  'ec2-runner-ami': () => new Ec2RunnerAmiStack(newApp(), 'Stack', { env, deployment, buildNow: false }),
  autoscaler: () => new AutoscalerStack(newApp(), 'Stack', { env, deployment }),
};

/**
 * Whoever gives somebody a right, or takes one away, says so in these lists, line by line. `vitest run -u` writes them;
 * what is to be read is their diff.
 */
describe('every right that a deployment gives', () => {
  it.each(Object.entries(stacks))('in %s is one of the list of its app', async (app, stack) => {
    const rights = rightsOf(Template.fromStack(stack()));
    expect(rights.length).toBeGreaterThan(5);
    await expect(`${rights.join('\n')}\n`).toMatchFileSnapshot(`rights/${app}.txt`);
  });
});

type Parts = Record<string, { Type: string; Properties: unknown }>;
type Change = (resources: Parts) => void;

/** The only resource of a type whose logical id begins so. */
function partOf(resources: Parts, type: string, begin: string) {
  const [found] = Object.entries(resources).filter(([id, { Type }]) => Type === type && id.startsWith(begin));
  if (!found) throw new Error(`no ${type} ${begin}`);
  return { id: found[0], ...found[1] } as { id: string; Properties: object };
}
type Changed = { Action: unknown; Resource: unknown; Condition?: unknown; Sid?: string };
const policyOf = (resources: Parts, begin: string) =>
  (partOf(resources, 'AWS::IAM::Policy', begin).Properties as { PolicyDocument: { Statement: Changed[] } })
    .PolicyDocument;
/** What is too long for one policy of a role, the CDK puts into a managed one beside it. */
const statementOf = (resources: Parts, begin: string, sid?: string) => {
  const policies = Object.entries(resources).filter(
    ([id, { Type }]) => id.startsWith(begin) && /^AWS::IAM::(Managed)?Policy$/.test(Type),
  );
  const statements = policies.flatMap(
    ([, { Properties }]) => (Properties as { PolicyDocument: { Statement: Changed[] } }).PolicyDocument.Statement,
  );
  const found = statements.find(({ Sid }) => sid === undefined || Sid === sid);
  if (!found) throw new Error(`no statement ${sid} of ${begin}`);
  return found;
};
const roleOf = (resources: Parts, begin: string) =>
  partOf(resources, 'AWS::IAM::Role', begin).Properties as {
    ManagedPolicyArns?: string[];
    Policies?: unknown[];
    AssumeRolePolicyDocument: { Statement: { Condition?: unknown; Principal: unknown }[] };
  };
const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
const launcher = 'FunctionslaunchinstancesServiceRole';

const widenings: readonly (readonly [string, Change])[] = [
  ['a further resource', (all) => Object.assign(statementOf(all, 'FunctionsadmitjobServiceRole'), { Resource: '*' })],
  [
    'a further action',
    (all) => Object.assign(statementOf(all, 'FunctionsbindrunnerServiceRole'), { Action: ['dynamodb:*'] }),
  ],
  ['a condition less', (all) => delete statementOf(all, launcher, 'RunWithOurTag').Condition],
  [
    'a condition with more values',
    (all) =>
      Object.assign(statementOf(all, launcher, 'RolesOfProfiles'), {
        Condition: { StringLike: { 'iam:PassedToService': '*' } },
      }),
  ],
  ['a further statement', (all) => policyOf(all, 'FunctionsmendjobServiceRole').Statement.push(everything)],
  [
    'a denial less',
    (all) => {
      const document = policyOf(all, 'ProfilesdefaultRole');
      document.Statement = document.Statement.filter(({ Sid }) => Sid !== 'OnlyTake');
    },
  ],
  [
    'a denial of less',
    (all) =>
      Object.assign(statementOf(all, 'ProfilesdefaultRole', 'OnlyTake'), {
        NotAction: ['dynamodb:DeleteItem', 'dynamodb:GetItem'],
      }),
  ],
  [
    'a managed policy',
    (all) =>
      Object.assign(roleOf(all, 'ProfilesdefaultRole'), {
        ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
      }),
  ],
  [
    'a policy inside a role',
    (all) =>
      Object.assign(roleOf(all, 'StartRunnerWorkflowRole'), {
        Policies: [{ PolicyDocument: { Statement: everything } }],
      }),
  ],
  [
    'a policy of its own for a role',
    (all) => {
      const { id } = partOf(all, 'AWS::IAM::Role', launcher);
      const Properties = { Roles: [{ Ref: id }], PolicyDocument: { Statement: [everything] } } as never;
      all.Another = { Type: 'AWS::IAM::ManagedPolicy', Properties };
    },
  ],
  [
    'trust without a condition',
    (all) => delete roleOf(all, 'StartRunnerWorkflowStarter').AssumeRolePolicyDocument.Statement[0]?.Condition,
  ],
  [
    'trust in another account',
    (all) =>
      Object.assign(roleOf(all, launcher).AssumeRolePolicyDocument.Statement[0] ?? {}, {
        Principal: { AWS: 'arn:aws:iam::210987654321:root' },
      }),
  ],
  [
    'a function with another one’s role',
    (all) => {
      const { id } = partOf(all, 'AWS::IAM::Role', launcher);
      Object.assign(partOf(all, 'AWS::Lambda::Function', 'Functionsadmitjob').Properties, {
        Role: { 'Fn::GetAtt': [id, 'Arn'] },
      });
    },
  ],
  [
    'a function that anybody may call',
    (all) => {
      all.Another = {
        Type: 'AWS::Lambda::Permission',
        Properties: { Action: 'lambda:InvokeFunction', Principal: '*', FunctionName: 'f' },
      };
    },
  ],
  [
    'a queue that anybody may read',
    (all) => {
      all.Another = {
        Type: 'AWS::SQS::QueuePolicy',
        Properties: { PolicyDocument: { Statement: [{ ...everything, Principal: '*' }] } },
      };
    },
  ],
  [
    'a table that says for itself who may read it',
    (all) => {
      const { Properties } = partOf(all, 'AWS::DynamoDB::Table', 'TablesTickets');
      Object.assign(Properties, {
        ResourcePolicy: { PolicyDocument: { Statement: [{ ...everything, Principal: '*' }] } },
      });
    },
  ],
];

describe('the list of the autoscaler’s rights', () => {
  const template = Template.fromStack(stacks.autoscaler());
  const before = rightsOf(template);

  it.each(widenings)('tells of %s', (_what, widen) => {
    const changed = structuredClone(template.toJSON()) as { Resources: Parts };
    widen(changed.Resources);
    expect(rightsOf(Template.fromJSON(changed))).not.toEqual(before);
  });
});
