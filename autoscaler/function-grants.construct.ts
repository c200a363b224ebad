import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { runnerTokenSecretsOf } from '../infrastructure/deployment/checks/runner-tokens.ts';
import type { Deployment } from '../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../infrastructure/deployment/deployment-tag.ts';
import type { GitLabTrust } from '../infrastructure/gitlab/gitlab-trust.construct.ts';
import { acknowledgeWildcards } from '../infrastructure/kit/cdk/acknowledge-rules.construct.ts';
import type { BundledFunction } from '../infrastructure/kit/cdk/bundled-function.construct.ts';
import type { Tables } from './runner-store/tables.construct.ts';

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
    this.#props.tables.grantRemoveTickets(lambda);
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
