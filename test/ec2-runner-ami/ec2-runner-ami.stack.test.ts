import { App, Tags, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Ec2RunnerAmiStack } from '../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { deploymentTag } from '../../infrastructure/deployment/deployment-tag.ts';

function template(
  profiles: DeploymentInput['profiles'] = { default: { type: 'EC2' } },
  buildNow = true,
  ami: DeploymentInput['ami'] = {},
): Template {
  const app = new App();
  Tags.of(app).add(deploymentTag, 'ci');
  const deployment = defineDeployment({ name: 'ci', profiles, ami });
  return Template.fromStack(new Ec2RunnerAmiStack(app, 'Ec2RunnerAmi', { deployment, buildNow }));
}

const propertiesOf = (from: Template, type: string): Record<string, unknown>[] =>
  Object.values(from.findResources(`AWS::ImageBuilder::${type}`)).map((resource) => resource.Properties);
const parentImages = (from: Template) => propertiesOf(from, 'ImageRecipe').map(({ ParentImage }) => ParentImage);
const al2023 = 'ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default';

describe('the images of a deployment', () => {
  it('are one for each architecture that EC2 profiles use', () => {
    expect(
      parentImages(
        template({
          one: { type: 'EC2', architecture: 'arm64' },
          two: { type: 'EC2', architecture: 'x86_64' },
          three: { type: 'EC2', architecture: 'x86_64' },
        }),
      ),
    ).toEqual([`${al2023}-x86_64`, `${al2023}-arm64`]);
  });

  it('leave out an architecture whose profiles bring their own image', () => {
    expect(
      parentImages(
        template({
          own: { type: 'EC2', architecture: 'arm64', imageParameter: '/images/mine' },
          ours: { type: 'EC2', architecture: 'x86_64' },
          function: { type: 'LAMBDA', architecture: 'arm64' },
        }),
      ),
    ).toEqual([`${al2023}-x86_64`]);
  });

  it('are none when no profile needs one, and the stack can still be deployed', () => {
    const empty = template({ function: { type: 'LAMBDA' } });
    expect(Object.values(empty.toJSON().Resources).map((resource) => (resource as { Type: string }).Type)).toEqual([
      'AWS::CloudFormation::WaitConditionHandle',
    ]);
  });

  it('are built in this order: tools, runner, helper image, identity, and then the checks', () => {
    const built = template();
    const ids = Object.fromEntries(
      Object.entries(built.findResources('AWS::ImageBuilder::Component')).map(([id, { Properties }]) => [
        id,
        parse(Properties.Data).name,
      ]),
    );
    const [recipe] = propertiesOf(built, 'ImageRecipe') as {
      Components: { ComponentArn: { 'Fn::GetAtt': [string] } }[];
    }[];
    expect(recipe?.Components.map(({ ComponentArn }) => ids[ComponentArn['Fn::GetAtt'][0]])).toEqual([
      'tools',
      'gitlab-runner',
      'helper-image',
      'clear-identity',
      'host',
      'runner-config',
      'jobs',
    ]);
  });

  it('bring the architecture its own binary and helper image', () => {
    const data = (architecture: 'arm64' | 'x86_64') =>
      propertiesOf(template({ default: { type: 'EC2', architecture } }), 'Component')
        .map(({ Data }) => Data)
        .join('\n');
    expect(data('arm64')).toContain("binary_architecture='arm64'");
    expect(data('arm64')).toMatch(/gitlab-runner-helper:arm64-v\d+\.\d+\.\d+'/);
    expect(data('x86_64')).toContain("binary_architecture='amd64'");
    expect(data('x86_64')).toMatch(/gitlab-runner-helper:x86_64-v\d+\.\d+\.\d+'/);
  });
});

describe('an image', () => {
  it('is published by its parameter, which EC2 checks to be an image', () => {
    template().hasResourceProperties('AWS::ImageBuilder::DistributionConfiguration', {
      Distributions: [
        Match.objectLike({
          AmiDistributionConfiguration: Match.objectLike({ Name: 'ci-runner-x86-64-{{ imagebuilder:buildDate }}' }),
          SsmParameterConfigurations: [
            { ParameterName: '/ci/ec2-runner-ami/x86_64/image-id', DataType: 'aws:ec2:image' },
          ],
        }),
      ],
    });
  });

  it('is built every week whatever changed, tested, and under our own role', () => {
    template().hasResourceProperties('AWS::ImageBuilder::ImagePipeline', {
      Schedule: { ScheduleExpression: 'cron(0 3 ? * SUN *)', PipelineExecutionStartCondition: 'EXPRESSION_MATCH_ONLY' },
      ImageTestsConfiguration: Match.objectLike({ ImageTestsEnabled: true }),
      ExecutionRole: Match.anyValue(),
    });
  });

  it('is built by deployments and by hand alone when that is wanted', () => {
    const [pipeline] = propertiesOf(template(undefined, true, { rebuild: 'never' }), 'ImagePipeline');
    expect(pipeline).not.toHaveProperty('Schedule');
  });

  it('is encrypted, with the default key unless another is named', () => {
    const disk = (ami: DeploymentInput['ami']) => {
      const [recipe] = propertiesOf(template(undefined, true, ami), 'ImageRecipe') as {
        BlockDeviceMappings: [{ Ebs: object }];
      }[];
      return recipe?.BlockDeviceMappings[0].Ebs;
    };
    expect(disk({})).toMatchObject({ Encrypted: true });
    expect(disk({})).not.toHaveProperty('KmsKeyId');
  });

  it('gets another recipe with any change of what is in it, and the same one without', () => {
    const versions = (ami: DeploymentInput['ami'] = {}) => {
      const made = template(undefined, true, ami);
      const components = propertiesOf(made, 'Component').map(({ Name, Version }) => [Name, Version] as const);
      return { recipe: propertiesOf(made, 'ImageRecipe')[0]?.Version, components: Object.fromEntries(components) };
    };
    const plain = versions();
    const one = versions({ components: { mine: { build: 'echo one' } } });
    const two = versions({ components: { mine: { build: 'echo two' } } });
    const arn = versions({ componentArns: ['arn:aws:imagebuilder:eu-west-1:aws:component/python-3-linux/1.0.2'] });
    const newer = versions({ componentArns: ['arn:aws:imagebuilder:eu-west-1:aws:component/python-3-linux/1.0.3'] });
    const larger = versions({ sizeGiB: 10 });
    const recipes = [plain, one, two, arn, newer, larger].map(({ recipe }) => recipe);
    expect(new Set(recipes).size).toBe(recipes.length);
    expect(versions()).toEqual(plain);
    // Only what changed is new.
    const name = 'ci-runner-x86-64-own-mine';
    expect(one.components[name]).not.toBe(two.components[name]);
    expect({ ...one.components, [name]: '' }).toEqual({ ...two.components, [name]: '' });
  });

  it("has the user's components behind ours, and before its identity is cleared", () => {
    const [recipe] = propertiesOf(
      template(undefined, true, {
        components: { first: { build: 'true' }, second: { test: 'true' } },
        componentArns: ['arn:aws:imagebuilder:eu-west-1:aws:component/python-3-linux/x.x.x'],
      }),
      'ImageRecipe',
    ) as { Components: { ComponentArn: string | { 'Fn::GetAtt': [string] } }[] }[];
    const order = recipe?.Components.map(({ ComponentArn }) =>
      typeof ComponentArn === 'string'
        ? 'arn'
        : ComponentArn['Fn::GetAtt'][0].replace(/^.*Component|[0-9A-F]{8}$/g, ''),
    );
    expect(order?.slice(2, -3)).toEqual(['helperimage', 'ownfirst', 'ownsecond', 'arn', 'clearidentity']);
  });

  it('outlives what CloudFormation knows of it, so that a rollback or a destruction takes nothing that hosts start from', () => {
    template().hasResource('AWS::ImageBuilder::Image', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('is built by the deployment with the parts of the pipeline, so that the parameter has an image in the end', () => {
    const deployed = template();
    const [pipeline] = propertiesOf(deployed, 'ImagePipeline');
    const [image] = propertiesOf(deployed, 'Image');
    for (const part of [
      'ImageRecipeArn',
      'DistributionConfigurationArn',
      'InfrastructureConfigurationArn',
      'ExecutionRole',
    ]) {
      expect(image?.[part]).toBeDefined();
      expect(image?.[part]).toEqual(pipeline?.[part]);
    }
  });

  it('is left to a command that the outputs name when the deployment shall not wait', () => {
    const quick = template(undefined, false);
    quick.resourceCountIs('AWS::ImageBuilder::Image', 0);
    const [output] = Object.values(quick.findOutputs('BuildCommandx8664'));
    expect(JSON.stringify(output?.Value)).toContain('aws imagebuilder start-image-pipeline-execution');
  });

  it('is made on instances that ask for IMDSv2, end when a build fails, and are no runner hosts to our clean-up', () => {
    const [infrastructure] = propertiesOf(template(), 'InfrastructureConfiguration');
    expect(infrastructure).toMatchObject({
      InstanceMetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      TerminateInstanceOnFailure: true,
    });
    expect(infrastructure).not.toHaveProperty('ResourceTags');
  });

  it("is made in the infrastructure's network", () => {
    const made = template();
    const defaults = Object.values(made.toJSON().Parameters).map(
      (parameter) => (parameter as { Default: string }).Default,
    );
    expect(defaults).toContain('/ci/infrastructure/subnet-ids');
    expect(defaults).toContain('/ci/infrastructure/security-group-ids');
    const [infrastructure] = propertiesOf(made, 'InfrastructureConfiguration');
    expect(JSON.stringify(infrastructure?.SubnetId)).toContain('subnetids');
    expect(JSON.stringify(infrastructure?.SecurityGroupIds)).toContain('securitygroupids');
  });
});

describe('old images', () => {
  const made = template(undefined, true, { keep: 5 });

  it('go with their snapshots, but for the newest, those that hosts lately started from and those that somebody holds', () => {
    made.hasResourceProperties('AWS::ImageBuilder::LifecyclePolicy', {
      ResourceType: 'AMI_IMAGE',
      Status: 'ENABLED',
      PolicyDetails: [
        {
          Action: { Type: 'DELETE', IncludeResources: { Amis: true, Snapshots: true } },
          Filter: { Type: 'COUNT', Value: 5 },
          ExclusionRules: {
            Amis: {
              LastLaunched: { Unit: 'WEEKS', Value: 1 },
              TagMap: { 'gitlab-runners-on-demand:keep': 'true' },
            },
          },
        },
      ],
    });
  });

  it('are found by a tag that every image has, whoever built it', () => {
    const [policy] = propertiesOf(made, 'LifecyclePolicy') as { ResourceSelection: { TagMap: object } }[];
    const [pipeline] = propertiesOf(made, 'ImagePipeline');
    const [image] = propertiesOf(made, 'Image');
    expect(Object.keys(policy?.ResourceSelection.TagMap ?? {})).toHaveLength(1);
    expect(pipeline?.ImageTags).toMatchObject(policy?.ResourceSelection.TagMap ?? {});
    expect(image?.Tags).toMatchObject(policy?.ResourceSelection.TagMap ?? {});
  });

  it('of one architecture are no reason to remove those of the other', () => {
    const both = template({ x: { type: 'EC2' }, a: { type: 'EC2', architecture: 'arm64' } });
    const tags = propertiesOf(both, 'LifecyclePolicy').map(({ ResourceSelection }) =>
      JSON.stringify(ResourceSelection),
    );
    expect(new Set(tags).size).toBe(2);
  });
});

describe('a failed build', () => {
  it('is an event of the deployment, for its own images only, and an alarm for a week', () => {
    const made = template();
    made.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.imagebuilder'],
        'detail-type': ['EC2 Image Builder Image State Change'],
        resources: [{ prefix: { 'Fn::Join': ['', Match.arrayWith([':image/ci-runner-x86-64/'])] } }],
        detail: { state: { status: ['FAILED'] } },
      },
      Targets: [Match.objectLike({ Arn: { Ref: Match.stringLikeRegexp('eventbusarn') } })],
    });
    const [[rule] = []] = Object.entries(made.findResources('AWS::Events::Rule'));
    made.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/Events',
      MetricName: 'TriggeredRules',
      Dimensions: [{ Name: 'RuleName', Value: { Ref: rule } }],
      Period: 86_400,
      EvaluationPeriods: 7,
      DatapointsToAlarm: 1,
      Threshold: 1,
    });
  });
});

describe('destroying the stack', () => {
  it('keeps images unless somebody wants them removed', () => {
    template().resourceCountIs('Custom::RunnerImages', 0);
    template().resourceCountIs('AWS::Lambda::Function', 0);
  });

  it('removes them once no pipeline is left that could build another', () => {
    const made = template(undefined, true, { onDestroy: 'delete' });
    const [[removal = ''] = []] = Object.entries(made.findResources('Custom::RunnerImages'));
    for (const { DependsOn } of Object.values(made.findResources('AWS::ImageBuilder::ImagePipeline'))) {
      expect(DependsOn).toContain(removal);
    }
    const [{ Properties } = { Properties: {} }] = Object.values(made.findResources('AWS::Lambda::Function'));
    expect(Properties.Environment.Variables).toEqual({
      DEPLOYMENT: 'ci',
      IMAGE_PARAMETERS: '/ci/ec2-runner-ami/x86_64/image-id',
    });
  });
});

describe('cdk-nag’s AWS Solutions rules', () => {
  it.each<[string, DeploymentInput['ami']]>([
    ['as it comes', {}],
    ['that leaves nothing', { onDestroy: 'delete' }],
    ['with a key', { kmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012' }],
  ])('find nothing in a stack %s', (_what, ami) => {
    const app = new App();
    const deployment = defineDeployment({ name: 'ci', ami });
    new Ec2RunnerAmiStack(app, 'Ec2RunnerAmi', { deployment, buildNow: true });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Synthesis throws when a plugin finds something.
    expect(app.synth().stacks).toHaveLength(1);
  });
});

describe('who builds', () => {
  const roles = template({ x: { type: 'EC2' }, a: { type: 'EC2', architecture: 'arm64' } });

  it('may publish exactly the parameters of these images', () => {
    roles.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'imagebuilder.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ],
      },
      Policies: Match.arrayWith([
        Match.objectLike({
          PolicyDocument: {
            Statement: [
              Match.objectLike({
                Action: 'ssm:PutParameter',
                Resource: [
                  Match.objectLike({
                    'Fn::Join': ['', Match.arrayWith([':parameter/ci/ec2-runner-ami/x86_64/image-id'])],
                  }),
                  Match.objectLike({
                    'Fn::Join': ['', Match.arrayWith([':parameter/ci/ec2-runner-ami/arm64/image-id'])],
                  }),
                ],
              }),
              Match.objectLike({ Action: 'ec2:DescribeImages' }),
            ],
          },
        }),
      ]),
    });
  });

  it('may give EC2 the role of the build instances and no other', () => {
    const [[buildRole] = []] = Object.entries(
      roles.findResources('AWS::IAM::Role', {
        Properties: Match.objectLike({
          AssumeRolePolicyDocument: { Statement: [Match.objectLike({ Principal: { Service: 'ec2.amazonaws.com' } })] },
        }),
      }),
    );
    roles.hasResourceProperties('AWS::IAM::Role', {
      Policies: Match.arrayWith([
        Match.objectLike({
          PolicyDocument: {
            Statement: [
              Match.objectLike({
                Action: 'iam:PassRole',
                Resource: { 'Fn::GetAtt': [buildRole, 'Arn'] },
                Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
              }),
            ],
          },
        }),
      ]),
    });
  });

  it('has the managed policies that Image Builder asks for', () => {
    const policies = JSON.stringify(roles.findResources('AWS::IAM::Role'));
    for (const name of [
      'EC2InstanceProfileForImageBuilder',
      'AmazonSSMManagedInstanceCore',
      'EC2ImageBuilderExecutionPolicy',
    ]) {
      expect(policies).toContain(`:iam::aws:policy/${name}"`);
    }
  });
});
