import type { Template } from 'aws-cdk-lib/assertions';

type Resource = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> };
type Statement = Readonly<Record<string, unknown>>;
type Document = { readonly Statement: Statement | readonly Statement[] };

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** Properties in which resources other than roles say who may do what with them. */
const policiesOfResources: Readonly<Record<string, string>> = {
  'AWS::SQS::QueuePolicy': 'PolicyDocument',
  'AWS::S3::BucketPolicy': 'PolicyDocument',
  'AWS::SecretsManager::ResourcePolicy': 'ResourcePolicy',
  'AWS::KMS::Key': 'KeyPolicy',
  'AWS::ECR::Repository': 'RepositoryPolicyText',
  'AWS::SNS::TopicPolicy': 'PolicyDocument',
  'AWS::Logs::ResourcePolicy': 'PolicyDocument',
  'AWS::Events::EventBusPolicy': 'Statement',
  'AWS::DynamoDB::Table': 'ResourcePolicy',
};

/**
 * All rights that a template gives, as sorted lines for people: who trusts whom, and a line for each action on each
 * resource, with its conditions. Logical ids stand for what CloudFormation fills in, without the hashes at their ends.
 */
export function rightsOf(template: Template): string[] {
  const { Resources, Parameters = {} } = template.toJSON() as {
    Resources: Record<string, Resource>;
    Parameters?: Record<string, { Default?: string }>;
  };
  const plain = (id: string) => id.replace(/[0-9A-F]{8}$/, '');

  /** A value as it stands in the template, with names in place of what refers to something. */
  function text(value: unknown): string {
    if (Array.isArray(value)) return value.map(text).sort().join(' | ');
    if (typeof value !== 'object' || value === null) return String(value);
    const entries = Object.entries(value);
    const [[intrinsic, operand] = ['', null]] = entries;
    switch (entries.length === 1 ? intrinsic : '') {
      case 'Ref': {
        const id = String(operand);
        return `<${Parameters[id]?.Default ?? plain(id.replace('AWS::', ''))}>`;
      }
      case 'Fn::GetAtt': {
        const [id, attribute] = operand as [string, string];
        return attribute === 'Arn' ? `<${plain(id)}>` : `<${plain(id)}.${attribute}>`;
      }
      case 'Fn::Join':
        return (operand as [string, unknown[]])[1].map(text).join((operand as [string, unknown[]])[0]);
      case 'Fn::Select':
        return `${text((operand as [number, unknown])[1])}[${(operand as [number, unknown])[0]}]`;
      case 'Fn::Split':
        return text((operand as [string, unknown])[1]);
      default:
        return entries
          .map(([key, inner]) => `${key}: ${text(inner)}`)
          .sort()
          .join(', ');
    }
  }

  /** A line for each pair of what may be done, and to what; whatever else a statement says stands at its end. */
  function linesOf(statement: Statement): string[] {
    const { Sid: _, Effect, Action, NotAction, Resource: on, NotResource, Condition, ...others } = statement;
    const allowed = Effect === 'Allow' ? 'may' : 'must not';
    const actions = [
      ...listOf(Action).map((action) => `${allowed} ${text(action)}`),
      ...listOf(NotAction)
        .map(() => `${allowed} do anything but ${text(NotAction)}`)
        .slice(0, 1),
    ];
    const resources = [
      ...listOf(on).map((resource) => ` on ${text(resource)}`),
      ...listOf(NotResource)
        .map(() => ` on anything but ${text(NotResource)}`)
        .slice(0, 1),
    ];
    const when = Condition === undefined ? '' : ` when ${text(Condition)}`;
    const rest = Object.keys(others).length === 0 ? '' : ` (${text(others)})`;
    return actions.flatMap((action) =>
      (resources.length === 0 ? [''] : resources).map((on) => action + on + when + rest),
    );
  }
  const linesOfDocument = (document: unknown) =>
    listOf((document as Document | undefined)?.Statement).flatMap((one) => linesOf(one as Statement));

  const lines: string[] = [];
  for (const [id, { Type, Properties = {} }] of Object.entries(Resources)) {
    const say = (who: string, what: readonly string[]) => lines.push(...what.map((line) => `${who} ${line}`));
    const name = plain(id);
    switch (Type) {
      case 'AWS::IAM::Role':
        say(
          name,
          linesOfDocument(Properties.AssumeRolePolicyDocument).map((line) => `is a role: ${line}`),
        );
        say(
          name,
          listOf(Properties.ManagedPolicyArns).map((arn) => `has the policy ${text(arn)}`),
        );
        say(
          name,
          listOf(Properties.PermissionsBoundary).map((arn) => `is bounded by ${text(arn)}`),
        );
        for (const { PolicyDocument } of listOf(Properties.Policies as { PolicyDocument: Document }[]))
          say(name, linesOfDocument(PolicyDocument));
        break;
      case 'AWS::IAM::Policy':
      case 'AWS::IAM::ManagedPolicy':
        for (const role of listOf(Properties.Roles))
          say(text(role).replace(/^<|>$/g, ''), linesOfDocument(Properties.PolicyDocument));
        break;
      case 'AWS::Lambda::Function':
        say(name, [`runs as ${text(Properties.Role)}`]);
        break;
      case 'AWS::StepFunctions::StateMachine':
        say(name, [`runs as ${text(Properties.RoleArn)}`]);
        break;
      case 'AWS::Events::Rule':
        for (const { Arn, RoleArn } of listOf(Properties.Targets as { Arn: unknown; RoleArn?: unknown }[]))
          say(name, [`calls ${text(Arn)}${RoleArn ? ` as ${text(RoleArn)}` : ''}`]);
        break;
      case 'AWS::IAM::InstanceProfile':
        say(
          name,
          listOf(Properties.Roles).map((role) => `is an instance profile of ${text(role)}`),
        );
        break;
      case 'AWS::Lambda::Permission':
        say(text(Properties.FunctionName), [
          `lets ${text({ ...Properties, FunctionName: undefined })}`.replace(/(, )?FunctionName: undefined/, ''),
        ]);
        break;
      default: {
        const property = policiesOfResources[Type];
        const document = property && Properties[property];
        if (!document) break;
        const statements = Type === 'AWS::Events::EventBusPolicy' ? { Statement: document } : document;
        say(
          name,
          linesOfDocument((statements as { PolicyDocument?: unknown }).PolicyDocument ?? statements).map(
            (line) => `says: ${line}`,
          ),
        );
      }
    }
  }
  return lines.sort();
}
