import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Says why policies below a construct may end in a wildcard: cdk-nag finds each of these resources (rule
 * AwsSolutions-IAM5), and knows it by its text.
 */
export function acknowledgeWildcards(scope: IConstruct, reason: string, ...resources: readonly string[]): void {
  for (const resource of resources) {
    Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${textOf(scope, resource)}]`, reason });
  }
}

/** The same of actions that end in a wildcard. */
export function acknowledgeActions(scope: IConstruct, reason: string, ...actions: readonly string[]): void {
  for (const action of actions)
    Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Action::${action}]`, reason });
}

/**
 * Says why roles below a construct may have policies that AWS manages (rule AwsSolutions-IAM4); names as IAM has them,
 * or whole ARNs.
 */
export function acknowledgeManagedPolicies(scope: IConstruct, reason: string, ...names: readonly string[]): void {
  for (const name of names) {
    const arn = name.startsWith('arn:') ? name : `arn:<AWS::Partition>:iam::aws:policy/${name}`;
    Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM4[Policy::${arn}]`, reason });
  }
}

/** A resource as cdk-nag writes it: `<LogicalId.Arn>` where CloudFormation puts something in. */
function textOf(scope: IConstruct, resource: string): string {
  return flatten(Stack.of(scope).resolve(resource));
}

function flatten(resolved: unknown): string {
  if (typeof resolved === 'string') return resolved;
  const [[name, value] = []] = Object.entries(resolved as Record<string, unknown>);
  if (name === 'Fn::Join')
    return (value as [string, unknown[]])[1].map(flatten).join((value as [string, unknown[]])[0]);
  return `<${Array.isArray(value) ? value.join('.') : String(value)}>`;
}
