import { Aspects, CfnResource, type IAspect, Stack, TagManager } from 'aws-cdk-lib';
import { CfnRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { Deployment } from '../../deployment/deployment.ts';
import { deploymentTag } from '../../deployment/deployment-tag.ts';

/**
 * Lets everything below a construct keep the rules that the deployment's account asks for: the permissions boundary and
 * the path of roles, the key, how long logs are kept. It looks at what CloudFormation gets, so that a resource that CDK
 * makes by itself, or a later one of ours, keeps them too.
 */
export function applyAccountRules(scope: IConstruct, deployment: Deployment): void {
  Aspects.of(scope).add(new AccountRules(deployment));
}

class AccountRules implements IAspect {
  readonly #deployment: Deployment;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  visit(node: IConstruct): void {
    const { kmsKeyArn } = this.#deployment;
    if (kmsKeyArn !== undefined && node instanceof Policy) useKeyOfServices(node, kmsKeyArn);
    if (!CfnResource.isCfnResource(node)) return;
    this.#rule(node);
    if (kmsKeyArn !== undefined) encrypt(node, kmsKeyArn);
    if (!TagManager.isTaggable(node)) this.#tag(node);
  }

  #rule(resource: CfnResource): void {
    const { permissionsBoundaryArn, rolePath, logRetentionDays } = this.#deployment;
    switch (resource.cfnResourceType) {
      case 'AWS::IAM::Role': {
        const hasBoundary = resource instanceof CfnRole && resource.permissionsBoundary !== undefined;
        if (permissionsBoundaryArn && !hasBoundary)
          resource.addPropertyOverride('PermissionsBoundary', permissionsBoundaryArn);
        if (rolePath) resource.addPropertyOverride('Path', rolePath);
        return;
      }
      case 'AWS::IAM::InstanceProfile':
        if (rolePath) resource.addPropertyOverride('Path', rolePath);
        return;
      case 'AWS::Logs::LogGroup':
        resource.addPropertyOverride('RetentionInDays', logRetentionDays);
    }
  }

  /** What CDK makes without its own classes, for the custom resource that empties a bucket, it does not tag. */
  #tag(resource: CfnResource): void {
    if (!['AWS::IAM::Role', 'AWS::Lambda::Function'].includes(resource.cfnResourceType)) return;
    const tags = { ...this.#deployment.resourceTags, [deploymentTag]: this.#deployment.name };
    resource.addPropertyOverride(
      'Tags',
      Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    );
  }
}

function encrypt(resource: CfnResource, keyArn: string): void {
  switch (resource.cfnResourceType) {
    case 'AWS::DynamoDB::Table':
      resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn });
      return;
    case 'AWS::SecretsManager::Secret':
    case 'AWS::Logs::LogGroup':
      resource.addPropertyOverride('KmsKeyId', keyArn);
      return;
    case 'AWS::SQS::Queue':
      resource.addPropertyOverride('KmsMasterKeyId', keyArn);
      resource.addPropertyDeletionOverride('SqsManagedSseEnabled');
      return;
    case 'AWS::S3::Bucket': {
      const byDefault = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn };
      const rules = [{ BucketKeyEnabled: true, ServerSideEncryptionByDefault: byDefault }];
      resource.addPropertyOverride('BucketEncryption', { ServerSideEncryptionConfiguration: rules });
    }
  }
}

const encryptedServices = ['dynamodb', 's3', 'secretsmanager', 'sqs'];

/** Who may use an encrypted thing may use its key for that: by way of the thing's service, and in no other. */
function useKeyOfServices(policy: Policy, keyArn: string): void {
  const { Statement: statements = [] } = policy.document.toJSON() as { Statement?: { Action?: string | string[] }[] };
  const actions = statements.flatMap(({ Action = [] }) => Action);
  const services = encryptedServices.filter((service) => actions.some((action) => action.startsWith(`${service}:`)));
  if (services.length === 0) return;
  const { region, urlSuffix } = Stack.of(policy);
  policy.addStatements(
    new PolicyStatement({
      sid: 'KeyOfWhatIsEncrypted',
      actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
      resources: [keyArn],
      conditions: { StringEquals: { 'kms:ViaService': services.map((one) => `${one}.${region}.${urlSuffix}`) } },
    }),
  );
}
