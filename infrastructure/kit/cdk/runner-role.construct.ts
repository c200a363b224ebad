import { Effect, type IManagedPolicy, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Profile } from '../../deployment/deployment.ts';
import { acknowledgeActions, acknowledgeManagedPolicies, acknowledgeWildcards } from './acknowledge-rules.construct.ts';

/** The rights that a profile gives its runners' role, beside those that every runner needs. */
export type RunnerRights = {
  readonly role: { readonly managedPolicies: IManagedPolicy[]; readonly permissionsBoundary?: IManagedPolicy };
  readonly statements: readonly PolicyStatement[];
};

/** What a profile says about rights, as CDK wants it: properties for the role, and statements for its own policy. */
export function runnerRightsOf(scope: Construct, profile: Profile): RunnerRights {
  const { managedPolicyArns, policyStatements, permissionsBoundaryArn } = profile;
  const policy = (id: string, arn: string) => ManagedPolicy.fromManagedPolicyArn(scope, id, arn);
  acknowledgeRights(scope, profile);
  return {
    role: {
      managedPolicies: managedPolicyArns.map((arn, index) => policy(`ManagedPolicy${index}`, arn)),
      ...(permissionsBoundaryArn ? { permissionsBoundary: policy('PermissionsBoundary', permissionsBoundaryArn) } : {}),
    },
    statements: policyStatements.map(
      ({ effect, actions, resources, conditions }) =>
        new PolicyStatement({
          effect: effect === 'Allow' ? Effect.ALLOW : Effect.DENY,
          actions,
          resources,
          ...(conditions ? { conditions } : {}),
        }),
    ),
  };
}

/** What its users give a profile is theirs to judge: cdk-nag is not to keep them from it. */
function acknowledgeRights(scope: Construct, { managedPolicyArns, policyStatements }: Profile): void {
  const reason =
    'The configuration gives the profile this right: whoever writes it there wants the runners to have it.';
  const wide = (texts: readonly string[]) => texts.filter((text) => text.includes('*'));
  const allowed = policyStatements.filter(({ effect }) => effect === 'Allow');
  acknowledgeWildcards(scope, reason, ...new Set(wide(allowed.flatMap(({ resources }) => resources))));
  acknowledgeActions(scope, reason, ...new Set(wide(allowed.flatMap(({ actions }) => actions))));
  acknowledgeManagedPolicies(scope, reason, ...managedPolicyArns);
}
