import { Effect, type IManagedPolicy, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Profile } from './deployment.ts';

/** The rights that a profile gives its runners' role, beside those that every runner needs. */
export type RunnerRights = {
  readonly role: { readonly managedPolicies: IManagedPolicy[]; readonly permissionsBoundary?: IManagedPolicy };
  readonly statements: readonly PolicyStatement[];
};

/** What a profile says about rights, as CDK wants it: properties for the role, and statements for its own policy. */
export function runnerRightsOf(scope: Construct, profile: Profile): RunnerRights {
  const { managedPolicyArns, policyStatements, permissionsBoundaryArn } = profile;
  const policy = (id: string, arn: string) => ManagedPolicy.fromManagedPolicyArn(scope, id, arn);
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
