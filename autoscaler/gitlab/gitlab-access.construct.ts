import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { runnerTokenSecretsOf } from '../../infrastructure/deployment/checks/runner-tokens.ts';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { GitLabTrust } from '../../infrastructure/gitlab/gitlab-trust.construct.ts';

/** The deployment's GitLab, and who may ask it with which token. */
export class GitLabAccess {
  readonly #url: string;
  readonly #tokenSecretArn: string;
  readonly #trust: GitLabTrust | undefined;
  /** By profile: where the token of a long-lived runner lies. */
  readonly #runnerTokenSecrets: Readonly<Record<string, string>>;

  constructor(scope: Construct, deployment: Deployment, tokenSecretArn: string) {
    const { url, caCertificates } = deployment.gitlab;
    this.#url = url;
    this.#tokenSecretArn = tokenSecretArn;
    this.#trust = caCertificates === undefined ? undefined : new GitLabTrust(scope, 'GitLabTrust', caCertificates);
    this.#runnerTokenSecrets = runnerTokenSecretsOf(deployment);
  }

  /** To call its API with our access token. */
  grantUse(lambda: LambdaFunction): void {
    lambda.addEnvironment('GITLAB_URL', this.#url);
    lambda.addEnvironment('GITLAB_TOKEN_SECRET_ARN', this.#tokenSecretArn);
    this.#trust?.giveTo(lambda);
    allowReading(lambda, this.#tokenSecretArn);
  }

  /** To speak for long-lived runners, where profiles bring such. */
  grantRunnerTokens(lambda: LambdaFunction): void {
    if (!this.hasLongLivedRunners) return;
    lambda.addEnvironment('RUNNER_TOKEN_SECRETS', JSON.stringify(this.#runnerTokenSecrets));
    allowReading(lambda, ...Object.values(this.#runnerTokenSecrets));
  }

  /** Events name a long-lived runner; which of its hosts has the job, GitLab is asked, where there is such a runner. */
  askWhichHost(lambda: LambdaFunction): void {
    if (this.hasLongLivedRunners) lambda.addEnvironment('HOSTS_SHARE_RUNNERS', 'true');
  }

  get hasLongLivedRunners(): boolean {
    return Object.keys(this.#runnerTokenSecrets).length > 0;
  }
}

function allowReading(grantee: LambdaFunction, ...resourceArns: string[]): void {
  Grant.addToPrincipal({ grantee, actions: ['secretsmanager:GetSecretValue'], resourceArns });
}
