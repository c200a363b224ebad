import { RemovalPolicy, SecretValue, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { gitlabTokenPlaceholder } from './exports.ts';

/** Letters and digits alone survive every shell, header and form on the way to GitLab. */
const webhookTokenCharacters = 48;

/**
 * The two secrets. Both end with the stack: the webhook's is made anew with the next, and a live GitLab token that
 * nothing uses should not stay behind.
 */
export class Secrets extends Construct {
  /** `{ "token", "signingToken"? }`: what GitLab's hook proves itself with. The token is generated. */
  readonly webhook: Secret;
  /**
   * `{ "token" }`: the access token with which we call GitLab. A person stores it once; until then it is a placeholder.
   */
  readonly gitlabToken: Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.webhook = new Secret(this, 'Webhook', {
      description: 'JSON {"token", "signingToken"?} of the GitLab job hook; the previous version is accepted too',
      // A changed template or length would make CloudFormation generate another token: GitLab would be locked out.
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'token',
        passwordLength: webhookTokenCharacters,
        excludePunctuation: true,
      },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.gitlabToken = new Secret(this, 'GitLabToken', {
      description: 'JSON {"token"}: GitLab access token with the scopes create_runner, manage_runner and read_api',
      // CloudFormation writes a value only when it changes in the template: what a person stored stays. So never change
      // this one.
      secretObjectValue: { token: SecretValue.unsafePlainText(gitlabTokenPlaceholder) },
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const reason =
      'GitLab is the other end: the token changes there and here together, by a person or the command line.';
    Validations.of(this.webhook).acknowledge({ id: 'AwsSolutions-SMG4', reason });
    Validations.of(this.gitlabToken).acknowledge({ id: 'AwsSolutions-SMG4', reason });
  }
}
