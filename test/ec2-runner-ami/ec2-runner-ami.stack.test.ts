import { App, Tags } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Ec2RunnerAmiStack } from '../../ec2-runner-ami/ec2-runner-ami.stack.ts';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/lib/deployment.ts';
import { deploymentTag } from '../../infrastructure/lib/deployment-tag.ts';

function template(profiles: DeploymentInput['profiles'] = { default: { type: 'EC2' } }, buildNow = true): Template {
  const app = new App();
  Tags.of(app).add(deploymentTag, 'ci');
  const deployment = defineDeployment({ name: 'ci', profiles });
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

  it('are built in this order: tools, runner, helper image, and identity last', () => {
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
