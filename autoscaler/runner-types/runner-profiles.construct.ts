import { Fn, RemovalPolicy } from 'aws-cdk-lib';
import { Policy, Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { routingEntryOf } from '../../infrastructure/deployment/checks/lambda-environment.ts';
import { type Deployment, profilesOfType } from '../../infrastructure/deployment/deployment.ts';
import { lambdaRunnerParameters } from '../../lambda-shell-runner/exports.ts';
import type { RuntimeProfile } from '../environment/environment.ts';
import { rightsOfFunction, type TicketTables } from '../runner-store/ticket-rights.construct.ts';
import { Ec2RunnerProfile } from './ec2/ec2-profile.construct.ts';
import type { LaunchProfile } from './ec2/launch-environment.ts';

export type RunnerProfilesProps = {
  readonly deployment: Deployment;
  readonly tickets: TicketTables;
  /** The value of another app's SSM parameter. */
  readonly parameterValue: (parameterName: string) => string;
};

/** Every profile of the deployment, as the Lambdas need to know it, and the right of each host to claim its ticket. */
export class RunnerProfiles extends Construct {
  /** By profile: what ChooseRunner routes to. */
  readonly runtime: Readonly<Record<string, RuntimeProfile>>;
  /** By profile: what the launcher launches from. */
  readonly launch: Readonly<Record<string, LaunchProfile>>;
  readonly functionArns: readonly string[];
  readonly ec2: readonly Ec2RunnerProfile[];

  constructor(scope: Construct, id: string, props: RunnerProfilesProps) {
    super(scope, id);
    const { deployment, tickets, parameterValue } = props;
    const runtime: Record<string, RuntimeProfile> = {};
    const launch: Record<string, LaunchProfile> = {};
    this.functionArns = profilesOfType(deployment, 'LAMBDA').map(([name, profile]) => {
      const names = lambdaRunnerParameters(deployment.name, name);
      const functionArn = parameterValue(names.functionArn);
      runtime[name] = routingEntryOf(profile, functionArn);
      new Policy(this, `${name}ClaimsTickets`, {
        roles: [Role.fromRoleName(this, `${name}Role`, roleNameIn(parameterValue(names.roleArn), deployment))],
        statements: rightsOfFunction(tickets, name),
      });
      return functionArn;
    });
    const logGroup = new LogGroup(this, 'HostLogs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.ec2 = profilesOfType(deployment, 'EC2').map(([name, profile]) => {
      const given = { deployment, name, profile, tickets, logGroup, parameterValue };
      const runner = new Ec2RunnerProfile(this, name, given);
      runtime[name] = routingEntryOf(profile);
      launch[name] = runner.launch;
      return runner;
    });
    this.runtime = runtime;
    this.launch = launch;
  }
}

/**
 * The name at the end of a role's ARN, behind its path: of an ARN that is known at deploy time only, CDK takes the
 * path's beginning for it.
 */
function roleNameIn(roleArn: string, { rolePath = '/' }: Deployment): string {
  return Fn.select(rolePath.split('/').length - 1, Fn.split('/', roleArn));
}
