import { AccountRootPrincipal, type IRole, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { LambdaProfile } from '../infrastructure/deployment/profiles/lambda-profile.ts';
import type { RunnerRights } from '../infrastructure/kit/cdk/runner-role.construct.ts';

export type JobRoleProps = {
  readonly profile: LambdaProfile;
  readonly rights: RunnerRights;
  /** Who assumes the role for a job. */
  readonly functionRole: IRole;
};

/**
 * What the jobs of a LAMBDA profile may do on AWS: a role of its own, made of the profile's policies or named by it,
 * which the function assumes for each job. The function's own role has no rights but this, so that nothing is
 * inherited.
 */
export class JobRole extends Construct {
  /** Null when the profile gives its jobs no rights. */
  readonly roleArn: string | null;

  constructor(scope: Construct, id: string, props: JobRoleProps) {
    super(scope, id);
    this.roleArn = this.arnOf(props);
    if (this.roleArn === null) return;
    props.functionRole.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['sts:AssumeRole', 'sts:TagSession'], resources: [this.roleArn] }),
    );
  }

  private arnOf({ profile, rights, functionRole }: JobRoleProps): string | null {
    if (profile.jobRoleArn !== undefined) return profile.jobRoleArn;
    if (rights.role.managedPolicies.length + rights.statements.length === 0) return null;
    // A principal that names the function's role would be the id of that very role, and break when it is made anew.
    const onlyTheFunction = new AccountRootPrincipal().withConditions({
      ArnEquals: { 'aws:PrincipalArn': functionRole.roleArn },
    });
    const role = new Role(this, 'Role', {
      description: 'What jobs of the Lambda shell runner may do; assumed for each job, with its project as session tag',
      assumedBy: onlyTheFunction.withSessionTags(),
      ...rights.role,
    });
    for (const statement of rights.statements) role.addToPolicy(statement);
    return role.roleArn;
  }
}
