import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { runnerTokenSecretsOf } from '../infrastructure/deployment/checks/runner-tokens.ts';
import type { Deployment } from '../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../infrastructure/deployment/deployment-tag.ts';
import type { GitLabTrust } from '../infrastructure/gitlab/gitlab-trust.construct.ts';
import { acknowledgeWildcards } from '../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import type { BundledFunction } from '../infrastructure/kit/cdk/bundled-function.construct.ts';
import { instanceIdIndex, liveIndex, livePoolIndex, runnerIdIndex } from './runner-store/runner-indexes.ts';
import type { Tables } from './runner-store/tables.construct.ts';
import type { TicketTables } from './runner-store/ticket-rights.construct.ts';

/** What a Lambda does to a table, as IAM actions. A transaction needs the actions of its parts. */
const query = 'dynamodb:Query';
export const reads = ['dynamodb:GetItem', query];
export const updates = ['dynamodb:UpdateItem'];
export const puts = ['dynamodb:PutItem'];
export const deletes = ['dynamodb:DeleteItem'];

export type FunctionGrantsProps = {
  readonly deployment: Deployment;
  readonly tables: Tables;
  readonly gitlabTokenSecretArn: string;
  readonly trust: GitLabTrust | undefined;
};

/** What the autoscaler's Lambdas may do, each with the settings that go with it. */
export class FunctionGrants {
  readonly #props: FunctionGrantsProps;

  constructor(props: FunctionGrantsProps) {
    this.#props = props;
  }

  allow(lambda: BundledFunction, actions: string[], ...resources: string[]): void {
    lambda.addToRolePolicy(new PolicyStatement({ actions, resources }));
  }

  useRunners(lambda: BundledFunction, actions: string[]): void {
    const { tableArn } = this.#props.tables.runners;
    const indexes = [runnerIdIndex, instanceIdIndex, liveIndex, livePoolIndex];
    this.allow(lambda, actions, tableArn);
    // An index can be asked, and nothing else.
    if (actions.includes(query)) this.allow(lambda, [query], ...indexes.map((index) => `${tableArn}/index/${index}`));
  }

  /** What it does to tickets that wait for their host, and to those that are with it. */
  useTickets(lambda: BundledFunction, actions: Readonly<Record<keyof TicketTables, string[]>>): void {
    const { waiting, claimable } = this.#props.tables.tickets;
    this.allow(lambda, actions.waiting, waiting.tableArn);
    this.allow(lambda, actions.claimable, claimable.tableArn);
  }

  useGitLab(lambda: BundledFunction): void {
    const { deployment, gitlabTokenSecretArn, trust } = this.#props;
    lambda.addEnvironment('GITLAB_URL', deployment.gitlab.url);
    lambda.addEnvironment('GITLAB_TOKEN_SECRET_ARN', gitlabTokenSecretArn);
    trust?.giveTo(lambda);
    this.allow(lambda, ['secretsmanager:GetSecretValue'], gitlabTokenSecretArn);
  }

  get #runnerTokenSecrets(): Readonly<Record<string, string>> {
    return runnerTokenSecretsOf(this.#props.deployment);
  }

  get #hasManagedHosts(): boolean {
    return Object.keys(this.#runnerTokenSecrets).length > 0;
  }

  /** The tokens of long-lived runners, where profiles bring such. */
  useRunnerTokens(lambda: BundledFunction): void {
    if (!this.#hasManagedHosts) return;
    lambda.addEnvironment('RUNNER_TOKEN_SECRETS', JSON.stringify(this.#runnerTokenSecrets));
    this.allow(lambda, ['secretsmanager:GetSecretValue'], ...Object.values(this.#runnerTokenSecrets));
  }

  /** Events name a long-lived runner; which of its hosts has the job, GitLab is asked, where there is such a runner. */
  askWhichHost(lambda: BundledFunction): void {
    if (this.#hasManagedHosts) lambda.addEnvironment('HOSTS_SHARE_RUNNERS', 'true');
  }

  /** A host of a long-lived runner ends when its ticket can be taken back, or when it is gone. */
  lookAtManagedHosts(lambda: BundledFunction): void {
    if (!this.#hasManagedHosts) return;
    this.useTickets(lambda, { waiting: deletes, claimable: deletes });
    acknowledgeWildcards(lambda, 'Looking at instances knows no resources; nothing is changed by it.', '*');
    this.allow(lambda, ['ec2:DescribeInstances'], '*');
  }

  /** EC2 knows no resources for its lists. */
  allowListingInstances(lambda: BundledFunction): void {
    acknowledgeWildcards(
      lambda,
      'EC2 lists all instances or none: it only tells those with our tag, since we ask so.',
      '*',
    );
    lambda.addToRolePolicy(
      new PolicyStatement({ sid: 'ListInstances', actions: ['ec2:DescribeInstances'], resources: ['*'] }),
    );
  }

  /** The limits of the account's functions, and how many there are: nothing about any single one. */
  allowAskingAboutLambda(lambda: BundledFunction): void {
    acknowledgeWildcards(lambda, 'The settings of an account belong to no resource; they are only read.', '*');
    this.allow(lambda, ['lambda:GetAccountSettings'], '*');
  }

  /** Only instances that carry this deployment's tag. */
  allowTerminating(lambda: BundledFunction): void {
    const instances = Stack.of(lambda).formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' });
    acknowledgeWildcards(
      lambda,
      'Instances come and go: only those with the tag of this deployment may be terminated.',
      instances,
    );
    lambda.addToRolePolicy(
      new PolicyStatement({
        actions: ['ec2:TerminateInstances'],
        resources: [instances],
        conditions: { StringEquals: { [`aws:ResourceTag/${deploymentTag}`]: this.#props.deployment.name } },
      }),
    );
  }
}
