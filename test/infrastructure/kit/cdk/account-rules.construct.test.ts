import { describe, expect, it } from 'vitest';
import { appNames } from '../../../../infrastructure/kit/cdk/parameter-names.ts';
import { rich, shared } from '../../deployment/rich-deployment.ts';
import { type Properties, type Resource, synthesize } from '../../deployment/stacks.ts';

const stacks = await synthesize(rich);
/** Every resource of every app, each with where it is. */
const everything: readonly (readonly [place: string, resource: Resource])[] = appNames.flatMap((app) =>
  Object.entries(stacks[app].resources).map(([id, resource]) => [`${app} ${id}`, resource] as const),
);
const ofType = (...types: string[]) => everything.filter(([, { Type }]) => types.includes(Type));

/**
 * What CloudFormation cannot tag: parts of something else that has tags, texts about others, and what has no tags at
 * all.
 */
const cannotBeTagged = [
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::EC2::Route',
  'AWS::EC2::SubnetRouteTableAssociation',
  'AWS::EC2::VPCGatewayAttachment',
  'AWS::Events::Archive',
  'AWS::IAM::InstanceProfile',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::LayerVersion',
  'AWS::Lambda::Permission',
  'AWS::Logs::MetricFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
];

function tagsOf({ Type, Properties: properties }: Resource): Readonly<Record<string, unknown>> {
  const listed =
    Type === 'AWS::EC2::LaunchTemplate'
      ? (properties.TagSpecifications as { ResourceType: string; Tags: unknown }[]).find(
          ({ ResourceType }) => ResourceType === 'launch-template',
        )?.Tags
      : properties.Tags;
  if (!Array.isArray(listed)) return (listed ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries((listed as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
}

describe('in every template of a deployment with rules of its account', () => {
  it('there are resources of every kind that these rules are about', () => {
    expect(everything.length).toBeGreaterThan(200);
    expect(ofType('AWS::IAM::Role').length).toBeGreaterThan(30);
  });

  it.each(ofType('AWS::IAM::Role'))('the role %s has the boundary and the path', (_, { Properties: role }) => {
    // The profiles "big" and "shell" name a boundary of their own.
    expect([rich.permissionsBoundaryArn, shared.permissionsBoundaryArn]).toContain(role.PermissionsBoundary);
    expect(role.Path).toBe(rich.rolePath);
  });

  it('only profiles that name a boundary of their own have another', () => {
    const others = ofType('AWS::IAM::Role').filter(
      ([, { Properties: role }]) => role.PermissionsBoundary !== rich.permissionsBoundaryArn,
    );
    expect(others.map(([place]) => place)).toEqual([
      expect.stringMatching(/^lambda-shell-runner RunnershellRole/),
      expect.stringMatching(/^lambda-shell-runner RunnershellJobRole/),
      expect.stringMatching(/^autoscaler ProfilesbigRole/),
    ]);
  });

  it.each(ofType('AWS::IAM::InstanceProfile'))('the instance profile %s has the path', (_, { Properties: profile }) => {
    expect(profile.Path).toBe(rich.rolePath);
  });

  it.each(everything.filter(([, { Type }]) => !Type.startsWith('Custom::') && !cannotBeTagged.includes(Type)))(
    '%s has the user’s tags and the deployment’s',
    (_, resource) => {
      expect(tagsOf(resource)).toMatchObject({
        team: 'builders',
        'gitlab-runners-on-demand:deployment': 'ci-rich',
      });
    },
  );

  it.each(ofType('AWS::Logs::LogGroup'))(
    'the log %s is kept as long as asked, under the key',
    (_, { Properties: log }) => {
      expect(log).toMatchObject({ RetentionInDays: 90, KmsKeyId: rich.kmsKeyArn });
    },
  );

  it.each(ofType('AWS::Lambda::Function'))('the function %s writes a log of ours', (_, { Properties: properties }) => {
    expect(properties.LoggingConfig).toMatchObject({ LogGroup: { Ref: expect.any(String) } });
  });

  it.each(ofType('AWS::DynamoDB::Table'))('the table %s has the key', (_, { Properties: table }) => {
    expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: rich.kmsKeyArn });
  });

  it.each(ofType('AWS::SQS::Queue'))('the queue %s has the key', (_, { Properties: queue }) => {
    expect(queue.KmsMasterKeyId).toBe(rich.kmsKeyArn);
    expect(queue).not.toHaveProperty('SqsManagedSseEnabled');
  });

  it.each(ofType('AWS::SecretsManager::Secret'))('the secret %s has the key', (_, { Properties: secret }) => {
    expect(secret.KmsKeyId).toBe(rich.kmsKeyArn);
  });

  it.each(ofType('AWS::S3::Bucket'))('the bucket %s has the key', (_, { Properties: bucket }) => {
    expect(bucket.BucketEncryption).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: { KMSMasterKeyID: rich.kmsKeyArn, SSEAlgorithm: 'aws:kms' },
        },
      ],
    });
  });

  it.each(ofType('AWS::EC2::LaunchTemplate'))('disks of %s have a key of the user’s', (_, { Properties: template }) => {
    const { BlockDeviceMappings, TagSpecifications } = template.LaunchTemplateData as Properties;
    for (const { Ebs } of BlockDeviceMappings as { Ebs: Properties }[])
      expect([rich.kmsKeyArn, rich.ami?.kmsKeyArn]).toContain(Ebs.KmsKeyId);
    const tagged = (TagSpecifications as { ResourceType: string; Tags: unknown[] }[]).map(({ ResourceType, Tags }) => {
      expect(Tags).toContainEqual({ Key: 'team', Value: 'builders' });
      return ResourceType;
    });
    expect(tagged).toEqual(['instance', 'volume', 'network-interface']);
  });

  it.each(ofType('AWS::IAM::Policy'))(
    'who may use what the key encrypts may use the key for it: %s',
    (_, { Properties: policy }) => {
      type Statement = { Action?: string | string[]; Resource: unknown; Condition?: Properties };
      const { Statement: statements } = policy.PolicyDocument as { Statement: Statement[] };
      const services = ['dynamodb', 's3', 'secretsmanager', 'sqs'].filter((service) =>
        statements.flatMap(({ Action = [] }) => Action).some((action) => action.startsWith(`${service}:`)),
      );
      const ofKey = statements.filter(({ Action = [] }) => [Action].flat().includes('kms:GenerateDataKey'));
      expect(ofKey.map(({ Resource, Condition }) => [Resource, Condition])).toEqual(
        services.length === 0
          ? []
          : [
              [
                rich.kmsKeyArn,
                {
                  StringEquals: {
                    'kms:ViaService': services.map((one) => ({
                      'Fn::Join': ['', [`${one}.eu-central-1.`, { Ref: 'AWS::URLSuffix' }]],
                    })),
                  },
                },
              ],
            ],
      );
    },
  );

  it('images, their builds and the instances that build them have the user’s tags, those not the deployment’s', () => {
    const images = stacks['ec2-runner-ami'];
    const deploymentTag = 'gitlab-runners-on-demand:deployment';
    expect(images.properties('ImageBuilder::ImagePipeline').ImageTags).toMatchObject({ team: 'builders' });
    expect(images.properties('ImageBuilder::Image').Tags).toMatchObject({ team: 'builders' });
    const { ResourceTags } = images.properties('ImageBuilder::InfrastructureConfiguration');
    expect(ResourceTags).toEqual({ team: 'builders' });
    expect(ResourceTags).not.toHaveProperty(deploymentTag);
    const [{ AmiDistributionConfiguration: ami }] = images.properties('ImageBuilder::DistributionConfiguration')
      .Distributions as [{ AmiDistributionConfiguration: Properties }];
    expect(ami.AmiTags).toMatchObject({ team: 'builders', [deploymentTag]: 'ci-rich' });
  });

  it('the launcher knows the tags of what it launches, the fleet itself included', () => {
    const variables = stacks.autoscaler.properties('Lambda::Function', 'Functionslaunchinstances').Environment as {
      Variables: Record<string, unknown>;
    };
    expect(variables.Variables.RESOURCE_TAGS).toBe('{"team":"builders"}');
    expect(JSON.stringify(variables.Variables.LAUNCH_PROFILES)).toContain('\\"tags\\":{\\"size\\":\\"big\\"}');
  });
});
