import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { Template } from 'aws-cdk-lib/assertions';

export type Statement = {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};
type PolicyDocument = { readonly Version: string; readonly Statement: readonly Statement[] };
type TemplateResource = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> };

export const accountId = '123456789012';
export const region = 'eu-west-1';

const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::AccountId': accountId,
  'AWS::URLSuffix': 'amazonaws.com',
};

/** The ARN that a resource of a template would have. */
const arnForms: Readonly<Record<string, (id: string) => string>> = {
  'AWS::DynamoDB::Table': (id) => `arn:aws:dynamodb:${region}:${accountId}:table/${id}`,
  'AWS::Lambda::Function': (id) => `arn:aws:lambda:${region}:${accountId}:function:${id}`,
  'AWS::SQS::Queue': (id) => `arn:aws:sqs:${region}:${accountId}:${id}`,
  'AWS::Logs::LogGroup': (id) => `arn:aws:logs:${region}:${accountId}:log-group:${id}:*`,
  'AWS::IAM::Role': (id) => `arn:aws:iam::${accountId}:role/${id}`,
  'AWS::IAM::InstanceProfile': (id) => `arn:aws:iam::${accountId}:instance-profile/${id}`,
  'AWS::StepFunctions::StateMachine': (id) => `arn:aws:states:${region}:${accountId}:stateMachine:${id}`,
};

export type Request = {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | string[]>>;
};

/** Answers questions about who may do what after a template is deployed. */
export type TemplatePermissions = {
  /** The ARN of a resource of the template, by its logical id without the hash. */
  arnOf(path: string): string;
  /**
   * What the policies of the template allow a role: by its logical id without the hash, or its name when it is not of
   * this template.
   */
  statementsOf(role: string): readonly Statement[];
  /** Whether a role may do something, as IAM decides it from those policies alone. */
  mayDo(role: string, request: Request): Promise<boolean>;
  /** Replaces references in a template's value by what they would be. */
  resolve(value: unknown): unknown;
};

/** @param parameters values of the template's parameters, by the SSM parameter's name that each stands for */
export function templatePermissions(
  template: Template,
  parameters: Readonly<Record<string, string>> = {},
): TemplatePermissions {
  const { Resources, Parameters = {} } = template.toJSON() as {
    Resources: Record<string, TemplateResource>;
    Parameters?: Record<string, { Default?: string }>;
  };

  function arnOfId(id: string): string {
    const form = arnForms[Resources[id]?.Type ?? ''];
    if (!form) throw new Error(`no form for the ARN of ${id} (${Resources[id]?.Type})`);
    return form(id);
  }

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const [[intrinsic, operand] = ['', null]] = Object.entries(value);
    switch (intrinsic) {
      case 'Ref':
        return refOf(String(operand));
      case 'Fn::GetAtt':
        return arnOfId(String((operand as readonly string[])[0]));
      case 'Fn::Join': {
        const [separator, parts] = resolve(operand) as [string, readonly string[]];
        return parts.join(separator);
      }
      case 'Fn::Split': {
        const [separator, text] = resolve(operand) as [string, string];
        return text.split(separator);
      }
      case 'Fn::Select': {
        const [index, list] = resolve(operand) as [number, readonly unknown[]];
        return list[index];
      }
      default:
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner)]));
    }
  }

  function refOf(id: string): string {
    if (pseudoParameters[id]) return pseudoParameters[id];
    const parameter = Parameters[id]?.Default;
    if (parameter !== undefined) return parameters[parameter] ?? `value-of-${parameter}`;
    return Resources[id]?.Type === 'AWS::StepFunctions::StateMachine' ? arnOfId(id) : id;
  }

  /** A logical id is the path of a construct and eight digits of its hash. */
  const hasPath = (id: string, path: string) => id.startsWith(path) && /^[0-9A-F]{8}$/.test(id.slice(path.length));

  function idOf(path: string): string {
    const [found, ...others] = Object.keys(Resources).filter((id) => hasPath(id, path));
    if (!found || others.length > 0) throw new Error(`not one resource is ${path}, but ${others.length + 1}`);
    return found;
  }

  function policiesOf(role: string): PolicyDocument[] {
    const name = Object.keys(Resources).find((id) => hasPath(id, role)) ?? role;
    return (
      Object.values(Resources)
        // What is too long for one policy, the CDK puts into managed ones beside it.
        .filter(({ Type }) => ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(Type))
        .map(({ Properties }) => resolve(Properties) as { Roles: readonly string[]; PolicyDocument: PolicyDocument })
        .filter(({ Roles }) => Roles.includes(name))
        .map(({ PolicyDocument: document }) => document)
    );
  }

  return {
    resolve,
    arnOf: (path) => arnOfId(idOf(path)),
    statementsOf: (role) => policiesOf(role).flatMap(({ Statement: statements }) => statements),
    async mayDo(role, { action, resource, context = {} }) {
      const identityPolicies = policiesOf(role).map((policy, index) => ({ name: `policy-${index}`, policy }));
      if (identityPolicies.length === 0) throw new Error(`the template has no policy for ${role}`);
      const request = {
        action,
        principal: `arn:aws:iam::${accountId}:role/${role}`,
        resource: { resource, accountId },
        contextVariables: { ...context },
      };
      const answer = await runSimulation(
        { request, identityPolicies, serviceControlPolicies: [], resourceControlPolicies: [] },
        {},
      );
      if (answer.resultType === 'error') throw new Error(JSON.stringify(answer.errors));
      return answer.overallResult === 'Allowed';
    },
  };
}
