import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { gitlabTokenPlaceholder } from '../../infrastructure/exports.ts';
import { publishedBy, type Resource, resourcesOf, templateOf } from './infrastructure-templates.ts';

type Variables = Record<string, unknown>;

describe('what other apps get', () => {
  test('is a parameter for every name of exports.ts, under the deployment’s name', () => {
    const published = publishedBy(templateOf({ name: 'ci-west' }), 'ci-west');
    const missing = Object.keys(published).filter((key) => published[key] === undefined);
    expect(missing).toEqual([]);
    expect(Object.keys(published)).toHaveLength(10);
  });

  test('is never a parameter that exports.ts does not know', () => {
    const template = templateOf();
    template.resourceCountIs('AWS::SSM::Parameter', Object.keys(publishedBy(template)).length);
  });

  test('tells the user where GitLab’s hook points to, and that is the published address', () => {
    const template = templateOf();
    template.hasOutput('WebhookUrl', { Value: publishedBy(template).webhookUrl });
    expect(JSON.stringify(publishedBy(template).webhookUrl)).toContain('/webhook');
  });

  test('of two deployments in one account has no name in common', () => {
    const nameProperty = /^(?:Bucket|Repository|Function|Role|LogGroup|Archive|Api)?Name$/;
    const namesOf = (name: string) => {
      const { Resources } = templateOf({ name }).toJSON() as { Resources: Record<string, Resource> };
      const properties = Object.values(Resources).flatMap(({ Properties = {} }) => Object.entries(Properties));
      const names = properties.filter(([key]) => nameProperty.test(key)).map(([, value]) => JSON.stringify(value));
      // What refers to a resource of this stack is not a name that this stack fixes.
      return names
        .map((text) => text.replace('{"Ref":"AWS::StackName"}', JSON.stringify(`${name}-infrastructure`)))
        .filter((text) => !/"(?:Ref|Fn::GetAtt)"/.test(text));
    };
    const [one, two] = [namesOf('ci-west'), namesOf('ci-east')];
    expect(one).toContainEqual(expect.stringContaining('-job-events'));
    expect(one.filter((name) => two.includes(name))).toEqual([]);
  });
});

describe('the webhook', () => {
  test('has a throttle that strangers cannot use up, since they do not know its address', () => {
    const template = templateOf();
    const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => Properties);
    const unguessable = { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] };
    const gitlabs = { 'Fn::Join': ['', ['POST /webhook/', unguessable]] };
    expect(routes.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType])).toEqual(
      expect.arrayContaining([
        [gitlabs, 'NONE'],
        ['POST /webhook', 'NONE'],
        ['$default', 'AWS_IAM'],
      ]),
    );
    expect(routes).toHaveLength(3);
    expect(publishedBy(template).webhookUrl).toMatchObject({
      'Fn::Join': ['', expect.arrayContaining([expect.stringMatching(/\/webhook\/$/), unguessable])],
    });
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    // All that have a literal key have settings of their own: the defaults are left to the one that has none.
    expect(stage?.Properties).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 250, ThrottlingBurstLimit: 500 },
      RouteSettings: {
        'POST /webhook': { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 500 },
        $default: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 5 },
      },
    });
    const literal = Object.entries(template.findResources('AWS::ApiGatewayV2::Route')).filter(
      ([, { Properties }]) => typeof Properties.RouteKey === 'string',
    );
    expect(stage?.DependsOn).toEqual(expect.arrayContaining(literal.map(([id]) => id)));
  });

  test('has an access log that holds neither headers nor bodies', () => {
    const template = templateOf();
    template.hasResourceProperties('AWS::ApiGatewayV2::Integration', { PayloadFormatVersion: '2.0' });
    const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage').map(({ Properties }) => Properties);
    expect(stage).toMatchObject({
      AccessLogSettings: { Format: expect.stringContaining('$context.status') },
    });
    expect(JSON.stringify(stage)).not.toMatch(/\$request|\$context\.(?:authorizer|identity\.caller)/);
  });

  test('may put events on its own bus and read its own secret, and nothing else', () => {
    const template = templateOf();
    const lambdas = template.findResources('AWS::Lambda::Function', { Properties: { Timeout: 8 } });
    const [lambda] = Object.values(lambdas) as { Properties: { Role: { 'Fn::GetAtt': [string, string] } } }[];
    const role = lambda?.Properties.Role['Fn::GetAtt'][0];
    const [busId] = Object.keys(template.findResources('AWS::Events::EventBus'));
    const policies = resourcesOf(template, 'AWS::IAM::Policy').filter(({ Properties }) =>
      JSON.stringify(Properties.Roles).includes(String(role)),
    );
    expect(policies.map(({ Properties }) => (Properties.PolicyDocument as { Statement: unknown }).Statement)).toEqual([
      [
        {
          Effect: 'Allow',
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: { 'Fn::GetAtt': [expect.stringMatching(/^JobHookReceiveJobHookLogs/), 'Arn'] },
        },
        { Effect: 'Allow', Action: 'events:PutEvents', Resource: { 'Fn::GetAtt': [busId, 'Arn'] } },
        {
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: publishedBy(template).webhookSecretArn,
        },
      ],
    ]);
  });

  test('looks only at allowed projects when there are some', () => {
    const patternIn = (allowedProjects: string[]) => {
      const lambdas = resourcesOf(templateOf({ allowedProjects }), 'AWS::Lambda::Function');
      const environments = lambdas.map(
        ({ Properties }) => Properties.Environment as { Variables: Variables } | undefined,
      );
      return environments.find((environment) => environment?.Variables.EVENT_BUS_ARN)?.Variables.ALLOWED_PROJECTS;
    };
    expect(patternIn([])).toBeUndefined();
    expect('group/project').toMatch(new RegExp(String(patternIn(['group/*']))));
  });
});

describe('the alarms of the webhook', () => {
  type AlarmProperties = {
    readonly MetricName: string;
    readonly Namespace: string;
    readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
    readonly Threshold: number;
    readonly Period: number;
    readonly EvaluationPeriods: number;
    readonly DatapointsToAlarm: number;
    readonly TreatMissingData: string;
    readonly AlarmActions?: readonly unknown[];
  };
  const alarmsOf = (template: Template) =>
    Object.fromEntries(
      (resourcesOf(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties) as AlarmProperties[]).map(
        (alarm) => [alarm.MetricName, alarm],
      ),
    );

  test('tell of as many refusals as make GitLab disable a hook, of one that was throttled, and of failures that go on', () => {
    const alarms = alarmsOf(templateOf());
    expect(Object.keys(alarms).sort()).toEqual(['5xx', 'WebhooksRefused', 'WebhooksThrottled']);
    expect(alarms.WebhooksRefused).toMatchObject({ Threshold: 4, Period: 900, EvaluationPeriods: 1 });
    expect(alarms.WebhooksThrottled).toMatchObject({ Threshold: 1, Period: 300, EvaluationPeriods: 1 });
    expect(alarms['5xx']).toMatchObject({ Threshold: 1, Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 2 });
    expect(alarms['5xx']?.Dimensions).toEqual([
      { Name: 'ApiId', Value: { Ref: expect.stringMatching(/^JobHookApi/) } },
    ]);
    for (const { TreatMissingData } of Object.values(alarms)) expect(TreatMissingData).toBe('notBreaching');
  });

  test('count from the access log under the very names and dimension that they look at', () => {
    const template = templateOf({ name: 'ci-west' });
    const alarms = alarmsOf(template);
    const [stage] = resourcesOf(template, 'AWS::ApiGatewayV2::Stage').map(({ Properties }) => Properties);
    const { Format } = (stage?.AccessLogSettings ?? {}) as { readonly Format: string };
    const line = JSON.parse(Format);
    const filters = resourcesOf(template, 'AWS::Logs::MetricFilter').map(({ Properties }) => Properties);
    expect(filters.map(({ FilterPattern }) => FilterPattern)).toEqual([
      '{ (($.path = "/webhook*") && ($.status = "401")) || (($.path = "/webhook*") && ($.status = "403")) }',
      '{ ($.path = "/webhook*") && ($.status = "429") }',
    ]);
    expect(line.path).toBe('$context.path');
    expect(line.status).toBe('$context.status');
    for (const { MetricTransformations, LogGroupName } of filters) {
      const [counted] = MetricTransformations as {
        readonly MetricName: string;
        readonly MetricNamespace: string;
        readonly Dimensions: readonly { readonly Key: string; readonly Value: string }[];
      }[];
      const alarm = alarms[counted?.MetricName ?? ''];
      expect(alarm?.Namespace).toBe(counted?.MetricNamespace);
      const dimensions = counted?.Dimensions.map(({ Key, Value }) => ({ Name: Key, Value: line[Value.slice(2)] }));
      expect(alarm?.Dimensions).toEqual(dimensions);
      expect(dimensions).toEqual([{ Name: 'deployment', Value: 'ci-west' }]);
      expect(LogGroupName).toEqual({ Ref: expect.stringMatching(/^JobHookAccessLog/) });
    }
  });
});

describe('what is kept', () => {
  test('events stay a week in an archive', () => {
    templateOf().hasResourceProperties('AWS::Events::Archive', {
      RetentionDays: 7,
      EventPattern: { source: ['gitlab-runners-on-demand'] },
    });
  });

  test('the webhook token is generated, and GitLab’s is a placeholder that nobody takes for a token', () => {
    const template = templateOf();
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { GenerateStringKey: 'token', SecretStringTemplate: '{}', ExcludePunctuation: true },
    });
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      SecretString: JSON.stringify({ token: gitlabTokenPlaceholder }),
    });
    expect(gitlabTokenPlaceholder).toMatch(/^set-me/);
  });

  test('what people stored outlives the stack, what we or jobs can make again does not', () => {
    const template = templateOf();
    const policyOf = (type: string) => resourcesOf(template, type).map((resource) => resource.DeletionPolicy);
    expect(policyOf('AWS::S3::Bucket')).toEqual(['Delete', 'Retain']);
    expect(policyOf('AWS::ECR::Repository')).toEqual(['Retain']);
    expect(policyOf('AWS::SecretsManager::Secret')).toEqual(['Delete', 'Delete']);
    expect(policyOf('AWS::Logs::LogGroup')).toEqual(['Delete', 'Delete', 'Delete']);
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
  });

  test('buckets are closed, encrypted, reached by TLS alone, and forget', () => {
    const template = templateOf();
    template.allResourcesProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: Match.anyValue(), Status: 'Enabled' })] },
    });
    template.allResourcesProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      }),
    });
  });

  test('images are scanned, their tags do not move, and old ones go', () => {
    templateOf().hasResourceProperties('AWS::ECR::Repository', {
      ImageScanningConfiguration: { ScanOnPush: true },
      ImageTagMutability: 'IMMUTABLE',
      LifecyclePolicy: { LifecyclePolicyText: Match.serializedJson(Match.objectLike({ rules: Match.anyValue() })) },
    });
  });
});
