import { App, Validations } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../autoscaler/autoscaler.stack.ts';
import { autoscalerParameters } from '../../autoscaler/exports.ts';
import { mostReceives } from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { launchTimeoutSeconds } from '../../autoscaler/runner-types/ec2/launch-queue.construct.ts';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { jobEventSource, jobEventTypes } from '../../infrastructure/kit/job-event-types.ts';
import { autoscalerTemplate } from './autoscaler-template.ts';

type Resource = {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
};

const template = autoscalerTemplate({ name: 'ci' });
const resourcesOf = (type: string, of: Template = template) =>
  Object.entries(of.findResources(type)) as [string, Resource][];
const propertiesOf = (type: string, id: string, of: Template = template) =>
  resourcesOf(type, of).find(([logicalId]) => logicalId.startsWith(id))?.[1].Properties ?? {};

describe('the tables', () => {
  const table = (id: string) => propertiesOf('AWS::DynamoDB::Table', `Tables${id}`);
  const recoverable = { PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } };

  it('are four, paid for by what is read and written', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 4);
    template.allResourcesProperties('AWS::DynamoDB::Table', { BillingMode: 'PAY_PER_REQUEST' });
  });

  it('can be put back to any second, except the tickets: nobody wants a backup of tokens', () => {
    expect(table('JobMappings')).toMatchObject(recoverable);
    expect(table('Runners')).toMatchObject(recoverable);
    for (const id of ['Tickets', 'WaitingTickets'])
      expect(table(id)).not.toHaveProperty('PointInTimeRecoverySpecification');
  });

  it('forget runners and tickets by themselves, and never a mapping', () => {
    const TimeToLiveSpecification = { AttributeName: 'expiresAt', Enabled: true };
    expect(table('Runners')).toMatchObject({ TimeToLiveSpecification });
    expect(table('Tickets')).toMatchObject({ TimeToLiveSpecification });
    expect(table('WaitingTickets')).toMatchObject({ TimeToLiveSpecification });
    expect(table('JobMappings')).not.toHaveProperty('TimeToLiveSpecification');
  });

  it('outlive the stack when people wrote them, and only then', () => {
    const kept = resourcesOf('AWS::DynamoDB::Table').filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain');
    expect(kept.map(([id]) => id)).toEqual([expect.stringMatching(/^TablesJobMappings/)]);
  });

  it('have the public keys of the mappings, and the indexes that the store reads', () => {
    expect(table('JobMappings').KeySchema).toEqual([
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
    const indexes = table('Runners').GlobalSecondaryIndexes as {
      IndexName: string;
      KeySchema: unknown;
      Projection: unknown;
    }[];
    expect(indexes).toEqual([
      {
        IndexName: 'by-runner-id',
        KeySchema: [{ AttributeName: 'runnerId', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'live',
        KeySchema: [
          { AttributeName: 'live', KeyType: 'HASH' },
          { AttributeName: 'admittedAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
      {
        IndexName: 'by-instance-id',
        KeySchema: [{ AttributeName: 'instanceId', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
      {
        IndexName: 'live-by-pool',
        KeySchema: [
          { AttributeName: 'livePool', KeyType: 'HASH' },
          { AttributeName: 'admittedAt', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
    ]);
    expect(table('Runners').AttributeDefinitions).toContainEqual({ AttributeName: 'runnerId', AttributeType: 'N' });
  });
});

describe('the workflows', () => {
  it('are express, and log their errors without the data that flows through them', () => {
    template.resourceCountIs('AWS::StepFunctions::StateMachine', 4);
    template.allResourcesProperties('AWS::StepFunctions::StateMachine', {
      StateMachineType: 'EXPRESS',
      LoggingConfiguration: { Level: 'ERROR', IncludeExecutionData: false },
    });
    expect(JSON.stringify(template.toJSON())).not.toMatch(/xray|"TracingConfiguration":\{"Enabled":true/);
  });

  it('end before the five minutes of express workflows, with time for every retry and wait', () => {
    for (const [, { Properties }] of resourcesOf('AWS::StepFunctions::StateMachine')) {
      const [, seconds] = /\\?"TimeoutSeconds\\?":(\d+)/.exec(JSON.stringify(Properties.DefinitionString)) ?? [];
      expect(Number(seconds)).toBeGreaterThan(180);
      expect(Number(seconds)).toBeLessThan(300);
    }
  });
});

describe('the rules', () => {
  const rules = resourcesOf('AWS::Events::Rule').filter(([, { Properties }]) => Properties.EventPattern);
  const targetOf = (id: string) =>
    (propertiesOf('AWS::Events::Rule', id).Targets as Record<string, unknown>[])[0] ?? {};
  const patternOf = (id: string) => propertiesOf('AWS::Events::Rule', id).EventPattern;

  it('give up a stale event after minutes instead of a day, and keep it as a dead letter', () => {
    const [deadLetters] = resourcesOf('AWS::SQS::Queue').filter(([id]) => id.startsWith('DeadLetters'));
    expect(rules.length).toBeGreaterThanOrEqual(5);
    for (const [, { Properties }] of rules) {
      for (const target of Properties.Targets as Record<string, unknown>[]) {
        expect(target).toMatchObject({
          RetryPolicy: { MaximumEventAgeInSeconds: 600, MaximumRetryAttempts: 10 },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [deadLetters?.[0], 'Arn'] } },
        });
      }
    }
  });

  it('may put their dead letters into that queue', () => {
    const policies = resourcesOf('AWS::SQS::QueuePolicy').filter(([id]) => id.startsWith('DeadLetters'));
    const text = JSON.stringify(policies);
    for (const [id] of rules) expect(text).toContain(`"${id}"`);
    expect(text).toContain('events.amazonaws.com');
  });

  it.each([
    ['OnJobPending', 'Job Pending', 'StartRunnerWorkflow'],
    ['OnJobRunning', 'Job Running', 'Functionsbindrunner'],
    ['OnJobFinished', 'Job Finished', 'StopRunnerWorkflow'],
    ['OnRunnerFailed', 'Runner Failed', 'AbandonRunnerWorkflow'],
    ['OnRunnerUnwanted', 'Runner Unwanted', 'InterruptRunnerWorkflow'],
  ])('%s: "%s" goes to %s, the event’s detail as it is', (id, type, target) => {
    expect(patternOf(id)).toEqual({ source: [jobEventSource], 'detail-type': [type] });
    expect(JSON.stringify(targetOf(id).Arn)).toContain(target);
    expect(targetOf(id)).toMatchObject({ InputPath: '$.detail' });
  });

  it('take every kind of job event', () => {
    const types = rules.flatMap(
      ([, { Properties }]) => (Properties.EventPattern as Record<string, string[]>)['detail-type'],
    );
    for (const type of jobEventTypes) expect(types).toContain(type);
  });

  it('listen on the deployment’s bus, but to EC2 on the account’s own, where it speaks', () => {
    for (const [, { Properties }] of rules) {
      const { source } = Properties.EventPattern as { source: string[] };
      if (source.includes('aws.ec2')) expect(Properties).not.toHaveProperty('EventBusName');
      else expect(JSON.stringify(Properties.EventBusName)).toContain('eventbusarn');
    }
  });

  it.each([
    ['OnSpotWarning', { 'detail-type': ['EC2 Spot Instance Interruption Warning'] }],
    [
      'OnInstanceEnd',
      {
        'detail-type': ['EC2 Instance State-change Notification'],
        detail: { state: ['shutting-down', 'stopping', 'terminated', 'stopped'] },
      },
    ],
  ])('%s: goes to the workflow for interrupted runners as it is', (id, pattern) => {
    expect(patternOf(id)).toEqual({ source: ['aws.ec2'], ...pattern });
    expect(JSON.stringify(targetOf(id).Arn)).toContain('InterruptRunnerWorkflow');
    expect(Object.keys(targetOf(id)).filter((key) => key.startsWith('Input'))).toEqual([]);
  });

  it('hand what Lambda tells of a runner’s function to AbandonRunner as it is, since some of it may be missing', () => {
    expect(patternOf('OnLambdaRunnerFailed')).toEqual({
      source: ['lambda'],
      'detail-type': ['Lambda Function Invocation Result - Failure'],
      detail: { requestPayload: { kind: ['run-job'] } },
    });
    const target = targetOf('OnLambdaRunnerFailed');
    expect(target).toMatchObject({ InputPath: '$.detail' });
    expect(JSON.stringify(target.Arn)).toContain('AbandonRunnerWorkflow');
  });
});

describe('the reconciler', () => {
  const schedule = propertiesOf('AWS::Events::Rule', 'ReconcilerEveryMinute');
  const lambda = propertiesOf('AWS::Lambda::Function', 'Functionsreconcile');
  const alarms = resourcesOf('AWS::CloudWatch::Alarm').map(([id, { Properties }]) => [id, Properties] as const);

  it('is called every minute, and a call that failed is not repeated', () => {
    expect(schedule).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 } }],
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^Functionsreconcile') },
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
  });

  it('ends before it is called again, and takes no concurrency from an account that has little', () => {
    expect(Number(lambda.Timeout)).toBeLessThan(60);
    expect(lambda).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  it('requests launches from the queue that the launcher reads', () => {
    const { LAUNCH_QUEUE_URL } = (lambda.Environment as { Variables: Record<string, { readonly Ref?: string }> })
      .Variables;
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [LAUNCH_QUEUE_URL?.Ref ?? 'no queue of this stack', 'Arn'] },
      FunctionName: { Ref: Match.stringLikeRegexp('^Functionslaunchinstances') },
    });
  });

  it('judges which jobs are ours by the same table and default runner as their hooks are', () => {
    const routesOf = (lambda: string) => {
      const { Variables } = propertiesOf('AWS::Lambda::Function', lambda).Environment as {
        readonly Variables: Readonly<Record<string, unknown>>;
      };
      return [Variables.MAPPINGS_TABLE, Variables.DEFAULT_RUNNER];
    };
    expect(routesOf('Functionsreconcile')).toEqual([expect.anything(), expect.stringContaining('"type"')]);
    expect(routesOf('Functionsreconcile')).toEqual(routesOf('Functionschooserunner'));
  });

  it('raises few alarms, all within what CloudWatch gives for nothing', () => {
    expect(alarms.map(([id]) => id.replace(/^Reconciler|[0-9A-F]{8}$/g, ''))).toEqual([
      'PassesMissing',
      'RepairsFail',
      'JobsOutOfAttempts',
      'DeadLetters',
    ]);
    for (const [, { AlarmActions }] of alarms) expect(AlarmActions).toBeUndefined();
  });

  it('calls silence an alarm where it means that nothing runs, and nowhere else', () => {
    const breaching = alarms.filter(([, { TreatMissingData }]) => TreatMissingData === 'breaching');
    expect(breaching.map(([id]) => id)).toEqual([expect.stringMatching(/^ReconcilerPassesMissing/)]);
  });

  it('watches every dead-letter queue', () => {
    const [, deadLetters] = alarms.find(([id]) => id.startsWith('ReconcilerDeadLetters')) ?? [];
    const queues = resourcesOf('AWS::SQS::Queue').filter(([id]) => id.includes('DeadLetters'));
    expect(queues).toHaveLength(2);
    for (const [id] of queues) expect(JSON.stringify(deadLetters)).toContain(id);
  });
});

describe('the destruction of the stack', () => {
  const [[removal, resource] = ['', null]] = resourcesOf('Custom::RunnerRemoval');
  const all = template.toJSON().Resources as Record<string, Resource>;
  /** Everything that a resource stands on, which CloudFormation deletes after it. */
  const foundationsOf = (id: string, seen = new Set<string>()): ReadonlySet<string> => {
    const { DependsOn = [], Properties = {} } = all[id] ?? { Properties: {} };
    const text = JSON.stringify(Properties);
    const referred = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].map(([, to]) => to ?? '');
    for (const to of [...[DependsOn].flat(), ...referred]) {
      if (!all[to] || seen.has(to)) continue;
      seen.add(to);
      foundationsOf(to, seen);
    }
    return seen;
  };
  const idsOf = (...types: string[]) => types.flatMap((type) => resourcesOf(type).map(([id]) => id));

  it('removes every trigger first, then the runners', () => {
    const triggers = idsOf('AWS::Events::Rule', 'AWS::Lambda::EventSourceMapping', 'AWS::Scheduler::Schedule');
    expect(triggers.length).toBeGreaterThan(6);
    for (const trigger of triggers) expect([...foundationsOf(trigger)]).toContain(removal);
  });

  it('removes the runners before what they and their removal stand on', () => {
    const foundations = [...foundationsOf(removal)];
    const hosts = idsOf('AWS::EC2::LaunchTemplate', 'AWS::IAM::InstanceProfile', 'AWS::DynamoDB::Table');
    const policies = idsOf('AWS::IAM::Policy').filter((id) => /^(Profiles|Functionsremoverunners)/.test(id));
    expect(policies.length).toBeGreaterThan(1);
    expect(foundations).toEqual(expect.arrayContaining([...hosts, ...policies]));
  });

  it('does not wait for a removal that cannot answer longer than it may run', () => {
    const { Timeout } = propertiesOf('AWS::Lambda::Function', 'Functionsremoverunners');
    expect(Timeout).toBe(900);
    expect(Number(resource?.Properties.ServiceTimeout)).toBeGreaterThan(900);
    expect(Number(resource?.Properties.ServiceTimeout)).toBeLessThan(1_200);
  });

  it('keeps the log that says what may be left in GitLab, and no other', () => {
    const kept = resourcesOf('AWS::Logs::LogGroup').filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain');
    expect(kept.map(([id]) => id)).toEqual([expect.stringMatching(/^FunctionsremoverunnersLogs/)]);
  });
});

describe('the launch queue', () => {
  const queue = propertiesOf('AWS::SQS::Queue', 'LaunchQueueRequests');

  it('hands over ten requests at once, and takes them back one by one', () => {
    const [[, source] = ['', { Properties: {} }]] = resourcesOf('AWS::Lambda::EventSourceMapping');
    expect(source.Properties).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      FunctionName: { Ref: expect.stringMatching(/^Functionslaunchinstances/) },
      ScalingConfig: { MaximumConcurrency: expect.any(Number) },
    });
    expect(source.Properties).not.toHaveProperty('MaximumBatchingWindowInSeconds');
  });

  it('hides a request for longer than the launcher may work on it', () => {
    const launcher = propertiesOf('AWS::Lambda::Function', 'Functionslaunchinstances');
    expect(launcher.Timeout).toBe(launchTimeoutSeconds);
    expect(Number(queue.VisibilityTimeout)).toBeGreaterThan(launchTimeoutSeconds);
  });

  it('keeps what nobody can read as a dead letter, later than the launcher itself gives up', () => {
    const { maxReceiveCount, deadLetterTargetArn } = queue.RedrivePolicy as Record<string, unknown>;
    expect(JSON.stringify(deadLetterTargetArn)).toContain('LaunchQueueDeadLetters');
    expect(Number(maxReceiveCount)).toBeGreaterThan(mostReceives);
  });

  it('is encrypted and reached by TLS alone, like every queue', () => {
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      }),
    });
  });
});

describe('a launch template', () => {
  const data = propertiesOf('AWS::EC2::LaunchTemplate', 'Profilesdefault').LaunchTemplateData as Record<
    string,
    unknown
  >;

  it('lets nobody but the host itself reach its credentials', () => {
    expect(data.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  });

  it('makes a host that shuts down a host that is gone', () => {
    expect(data.InstanceInitiatedShutdownBehavior).toBe('terminate');
  });

  it('encrypts the volume, which goes with the host', () => {
    expect(data.BlockDeviceMappings).toEqual([
      {
        DeviceName: '/dev/xvda',
        Ebs: { VolumeType: 'gp3', VolumeSize: 30, Encrypted: true, DeleteOnTermination: true },
      },
    ]);
  });

  it('takes the newest image without a deployment', () => {
    expect(data.ImageId).toBe('resolve:ssm:/ci/ec2-runner-ami/x86_64/image-id');
    const own = autoscalerTemplate({ profiles: { a: { type: 'EC2', imageParameter: '/my/image' } } });
    expect(propertiesOf('AWS::EC2::LaunchTemplate', 'Profilesa', own)).toMatchObject({
      LaunchTemplateData: { ImageId: 'resolve:ssm:/my/image' },
    });
  });

  it('says no token and nothing of any job', () => {
    const text = JSON.stringify(data);
    expect(text).not.toMatch(/gl(rt|pat)-[\w-]|whsec_|AKIA|PRIVATE-TOKEN: /i);
    expect(text).toContain('gitlab.com');
  });

  it('tags what is launched with deployment and profile', () => {
    const specifications = data.TagSpecifications as { ResourceType: string; Tags: { Key: string; Value: string }[] }[];
    expect(specifications.map(({ ResourceType }) => ResourceType)).toEqual(['instance', 'volume', 'network-interface']);
    for (const { Tags } of specifications) {
      expect(Tags).toContainEqual({ Key: 'gitlab-runners-on-demand:deployment', Value: 'ci' });
      expect(Tags).toContainEqual({ Key: 'gitlab-runners-on-demand:profile', Value: 'default' });
    }
  });

  it('is one for each EC2 profile', () => {
    const several = autoscalerTemplate({ profiles: { a: { type: 'EC2' }, b: { type: 'EC2' }, c: { type: 'LAMBDA' } } });
    several.resourceCountIs('AWS::EC2::LaunchTemplate', 2);
    several.resourceCountIs('AWS::EC2::LaunchTemplate', 2);
    autoscalerTemplate({ profiles: { c: { type: 'LAMBDA' } } }).resourceCountIs('AWS::EC2::LaunchTemplate', 0);
  });
});

describe('the Lambdas', () => {
  it('run Node 24 on arm64, log as JSON into a group of their own, and forget their logs', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      LoggingConfig: { LogFormat: 'JSON' },
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('know every name from their environment, and no secret', () => {
    for (const [, { Properties }] of resourcesOf('AWS::Lambda::Function')) {
      const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
      expect(Variables).toMatchObject({
        DEPLOYMENT: 'ci',
        RUNNERS_TABLE: expect.anything(),
        TICKETS_TABLE: expect.anything(),
      });
      expect(JSON.stringify(Variables)).not.toMatch(/gl(rt|pat)-|whsec_/);
    }
  });

  it('are told how many attempts and how many runners there may be', () => {
    const limited = autoscalerTemplate({ maxAttempts: 5, maxConcurrent: 7 });
    const environmentOf = (id: string, of: Template) =>
      (propertiesOf('AWS::Lambda::Function', `Functions${id}`, of).Environment as { Variables: object }).Variables;
    expect(environmentOf('admitjob', limited)).toMatchObject({ MAX_ATTEMPTS: '5' });
    expect(environmentOf('abandonrunner', limited)).toMatchObject({ MAX_ATTEMPTS: '5' });
    expect(environmentOf('chooserunner', limited)).toMatchObject({ MAX_CONCURRENT: '7' });
    expect(environmentOf('chooserunner', template)).not.toHaveProperty('MAX_CONCURRENT');
  });

  it('asks for the limit of the account’s functions only where it runs jobs in such', () => {
    const environmentOf = (of: Template) => propertiesOf('AWS::Lambda::Function', 'Functionsreconcile', of).Environment;
    const hosts = autoscalerTemplate({ profiles: { default: { type: 'EC2' } } });
    expect(environmentOf(template)).toMatchObject({ Variables: { HAS_FUNCTIONS: 'true' } });
    expect(environmentOf(hosts)).not.toHaveProperty('Variables.HAS_FUNCTIONS');
    expect(JSON.stringify(template.toJSON())).toContain('lambda:GetAccountSettings');
    expect(JSON.stringify(hosts.toJSON())).not.toContain('lambda:GetAccountSettings');
  });
});

describe('what others get', () => {
  it('is a parameter for every name of exports.ts, and no other', () => {
    const names = resourcesOf('AWS::SSM::Parameter').map(([, { Properties }]) => Properties.Name);
    expect(names.sort()).toEqual(Object.values(autoscalerParameters('ci')).sort());
  });

  it('says which profiles mappings can name, and the function of each that has one', () => {
    const Name = autoscalerParameters('ci').profiles;
    const [, parameter] = resourcesOf('AWS::SSM::Parameter').find(([, one]) => one.Properties.Name === Name) ?? [];
    const value = JSON.stringify(parameter?.Properties.Value);
    expect(value).toMatch(/EC2/u);
    expect(value).toMatch(/LAMBDA.*functionArn.*Ref/u);
  });

  it('has no fixed name, so that two deployments fit into one account', () => {
    const { Resources } = template.toJSON() as { Resources: Record<string, Resource> };
    const named = Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) =>
      Object.keys(Properties)
        .filter((key) =>
          /^(TableName|QueueName|FunctionName|RoleName|StateMachineName|LaunchTemplateName|LogGroupName)$/.test(key),
        )
        .filter(() => !/^AWS::Lambda::(Permission|EventSourceMapping|EventInvokeConfig)$/.test(Type))
        .map((key) => `${id}.${key}`),
    );
    expect(named).toEqual([]);
  });
});

describe('cdk-nag’s AWS Solutions rules', () => {
  const appOf = (input: DeploymentInput = {}, env?: { readonly account: string; readonly region: string }) => {
    const app = new App();
    const deployment = defineDeployment(input);
    return { app, stack: new AutoscalerStack(app, 'Autoscaler', { deployment, ...(env ? { env } : {}) }) };
  };
  const inAccount = { account: '123456789012', region: 'eu-west-1' };

  it.each<[string, DeploymentInput, typeof inAccount | undefined]>([
    ['as it comes', {}, undefined],
    ['in an account and region that are known', {}, inAccount],
    [
      'of EC2 runners alone',
      { profiles: { a: { type: 'EC2' }, b: { type: 'EC2', imageParameter: '/my/ami' } } },
      undefined,
    ],
    ['of Lambda runners alone', { profiles: { a: { type: 'LAMBDA' } } }, undefined],
  ])('find nothing in a deployment %s', (_, input, env) => {
    const { app, stack } = appOf(input, env);
    const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources.length])).toEqual([]);
    // And so synthesis goes through, which throws when a plugin finds something.
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(app.synth().stacks).toHaveLength(1);
  });

  it('are acknowledged only where they find something, each with its reason', () => {
    const { app, stack } = appOf();
    const acknowledged = stack.node.findAll().flatMap(({ node }) =>
      node.metadata
        .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap((entry) => {
          const reasons = Object.entries(entry.data as Record<string, unknown>);
          Object.assign(entry, { data: {} });
          return reasons.map(([id, reason]) => ({ path: node.path, rule: id.replace(/^\w+::/, ''), reason }));
        }),
    );
    const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
    const found = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath = '' }) => ({ ruleName, path: constructPath })),
    );
    const idle = acknowledged.filter(
      ({ path, rule }) => !found.some((one) => one.ruleName === rule && one.path.startsWith(`${path}/`)),
    );
    expect(idle).toEqual([]);
    for (const { reason } of acknowledged) expect(reason).toMatch(/.{40}/);
  });
});
