import { describe, expect, it } from 'vitest';
import { jobTagKeys } from '../../autoscaler/runner-types/ec2/instance-tags.ts';
import { fleetOf } from '../../autoscaler/runner-types/ec2/instances.client.ts';
import {
  accountId,
  type Request,
  region,
  type Statement,
  templatePermissions,
} from '../support/template-permissions.ts';
import { autoscalerTemplate } from './autoscaler-template.ts';
import { launchWorld } from './runner-types/ec2/launch-world.ts';

const shellFunction = `arn:aws:lambda:${region}:${accountId}:function:shell-runner`;
const bus = `arn:aws:events:${region}:${accountId}:event-bus/ci`;
const secret = `arn:aws:secretsmanager:${region}:${accountId}:secret:ci-gitlab-token`;
const template = autoscalerTemplate({ name: 'ci', maxConcurrent: 9 });
const { arnOf, mayDo, statementsOf, resolve } = templatePermissions(template, {
  '/ci/infrastructure/event-bus-arn': bus,
  '/ci/infrastructure/gitlab-token-secret-arn': secret,
  '/ci/infrastructure/subnet-ids': 'subnet-1,subnet-2',
  '/ci/infrastructure/security-group-ids': 'sg-1',
  '/ci/lambda-shell-runner/shell/function-arn': shellFunction,
  '/ci/lambda-shell-runner/shell/role-arn': `arn:aws:iam::${accountId}:role/shell-runner-role`,
});

const lambdas = [
  'chooserunner',
  'admitjob',
  'registerrunner',
  'abandonrunner',
  'launchinstances',
  'taginstances',
  'bindrunner',
  'giveturns',
  'findrunner',
  'drainrunner',
  'unregisterrunner',
  'terminateinstance',
  'releaserunner',
  'reconcile',
  'findinterruptedrunner',
  'mendjob',
  'removerunners',
] as const;
const roleOf = (lambda: (typeof lambdas)[number]) => `Functions${lambda}ServiceRole`;
const ec2Arn = (kind: string, id: string) => `arn:aws:ec2:${region}:${accountId}:${kind}/${id}`;
const templateId = Object.keys(template.findResources('AWS::EC2::LaunchTemplate'))[0] ?? '';
const deploymentTag = 'gitlab-runners-on-demand:deployment';
const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
const actionsIn = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => listOf(Action ?? []));

const [mappings, runners, tickets, waiting] = ['JobMappings', 'Runners', 'Tickets', 'WaitingTickets'].map((id) =>
  arnOf(`Tables${id}`),
) as [string, string, string, string];
const tagged = (value: string) => ({ [`aws:RequestTag/${deploymentTag}`]: value, 'aws:TagKeys': [deploymentTag] });

type Question = readonly [who: string, may: boolean, what: string, request: Request];

describe('who may do what', () => {
  const launcher = roleOf('launchinstances');
  const host = 'ProfilesdefaultRole';
  const start = 'StartRunnerWorkflowRole';
  const terminate = (value: string) => ({
    action: 'ec2:TerminateInstances',
    resource: ec2Arn('instance', 'i-1'),
    context: { [`aws:ResourceTag/${deploymentTag}`]: value },
  });
  const passRole = (resource: string, service = 'ec2.amazonaws.com') => ({
    action: 'iam:PassRole',
    resource,
    context: { 'iam:PassedToService': service },
  });
  const createRole = (service: string) => ({
    action: 'iam:CreateServiceLinkedRole',
    resource: `arn:aws:iam::${accountId}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`,
    context: { 'iam:AWSServiceName': service },
  });
  const tagLater = (owner: string | undefined, keys: readonly string[]) => ({
    action: 'ec2:CreateTags',
    resource: ec2Arn('instance', 'i-1'),
    context: { ...(owner ? { [`aws:ResourceTag/${deploymentTag}`]: owner } : {}), 'aws:TagKeys': [...keys] },
  });
  /** `ofTemplate`: whether the template names the resource, and the request does not. */
  const fromOurs = (ofTemplate = 'false') => ({
    'ec2:LaunchTemplate': ec2Arn('launch-template', templateId),
    'ec2:IsLaunchTemplateResource': ofTemplate,
  });
  const dynamodb = (action: string, resource: string) => ({ action: `dynamodb:${action}`, resource });

  const questions: readonly Question[] = [
    [
      'launcher',
      true,
      'create a fleet with our tag',
      { action: 'ec2:CreateFleet', resource: ec2Arn('fleet', 'fleet-1'), context: tagged('ci') },
    ],
    [
      'launcher',
      false,
      'create a fleet without a tag',
      { action: 'ec2:CreateFleet', resource: ec2Arn('fleet', 'fleet-1') },
    ],
    [
      'launcher',
      false,
      'create a fleet of another deployment',
      { action: 'ec2:CreateFleet', resource: ec2Arn('fleet', 'fleet-1'), context: tagged('ci-west') },
    ],
    [
      'launcher',
      true,
      'run an instance with our tag',
      { action: 'ec2:RunInstances', resource: ec2Arn('instance', 'i-1'), context: { ...tagged('ci'), ...fromOurs() } },
    ],
    [
      'launcher',
      false,
      'run an instance with our tag, and from no template of ours',
      { action: 'ec2:RunInstances', resource: ec2Arn('instance', 'i-1'), context: tagged('ci') },
    ],
    [
      'launcher',
      false,
      'run an instance with another instance profile',
      {
        action: 'ec2:RunInstances',
        resource: ec2Arn('instance', 'i-1'),
        context: {
          ...tagged('ci'),
          ...fromOurs(),
          'ec2:InstanceProfile': `arn:aws:iam::${accountId}:instance-profile/administrators`,
        },
      },
    ],
    ...['image', 'security-group'].flatMap((kind): Question[] => {
      const resource = kind === 'image' ? `arn:aws:ec2:${region}::image/ami-1` : ec2Arn(kind, 'sg-1');
      const using = (context: Request['context'] = {}) => ({ action: 'ec2:RunInstances', resource, context });
      const otherTemplate = { 'ec2:LaunchTemplate': ec2Arn('launch-template', 'lt-other') };
      return [
        ['launcher', true, `run an instance with our template’s ${kind}`, using(fromOurs('true'))],
        ['launcher', false, `run one with another ${kind} than our template’s`, using(fromOurs('false'))],
        [
          'launcher',
          false,
          `run one with a ${kind} of another template`,
          using({ ...fromOurs('true'), ...otherTemplate }),
        ],
        ['launcher', false, `run one with a ${kind} and no template`, using()],
      ];
    }),
    ...['subnet-1', 'subnet-2', 'subnet-3'].map((id): Question => {
      const request = { action: 'ec2:RunInstances', resource: ec2Arn('subnet', id), context: fromOurs('false') };
      return ['launcher', id !== 'subnet-3', `run an instance in ${id} of our network’s two`, request];
    }),
    [
      'launcher',
      false,
      'run an instance in our subnet without our template',
      { action: 'ec2:RunInstances', resource: ec2Arn('subnet', 'subnet-1') },
    ],
    [
      'launcher',
      false,
      'run an instance without a tag',
      { action: 'ec2:RunInstances', resource: ec2Arn('instance', 'i-1') },
    ],
    [
      'launcher',
      true,
      'launch from our launch template',
      { action: 'ec2:CreateFleet', resource: ec2Arn('launch-template', templateId) },
    ],
    [
      'launcher',
      false,
      'launch from somebody else’s',
      { action: 'ec2:RunInstances', resource: ec2Arn('launch-template', 'lt-other') },
    ],
    [
      'launcher',
      true,
      'tag what it creates',
      {
        action: 'ec2:CreateTags',
        resource: ec2Arn('instance', 'i-1'),
        context: { 'ec2:CreateAction': 'RunInstances' },
      },
    ],
    [
      'launcher',
      false,
      'tag what exists, which would make it ours',
      { action: 'ec2:CreateTags', resource: ec2Arn('instance', 'i-1') },
    ],
    [
      'launcher',
      true,
      'request spot capacity, which cannot be tagged',
      { action: 'ec2:RunInstances', resource: ec2Arn('spot-instances-request', 'sir-1') },
    ],
    [
      'launcher',
      true,
      'request spot capacity, should it carry our tag',
      { action: 'ec2:RunInstances', resource: ec2Arn('spot-instances-request', 'sir-1'), context: tagged('ci') },
    ],
    [
      'launcher',
      false,
      'request spot capacity with the tag of another deployment',
      { action: 'ec2:RunInstances', resource: ec2Arn('spot-instances-request', 'sir-1'), context: tagged('ci-west') },
    ],
    ['launcher', true, 'let the account’s first spot instance make its role', createRole('spot.amazonaws.com')],
    ['launcher', false, 'let another service make its role', createRole('autoscaling.amazonaws.com')],
    ['launcher', true, 'leave tags for later', { action: 'sqs:SendMessage', resource: arnOf('TagQueueTags') }],
    ['taginstances', true, 'tag an instance of ours with its job', tagLater('ci', jobTagKeys)],
    ['taginstances', true, 'tag it with its job alone', tagLater('ci', jobTagKeys.slice(-1))],
    ['taginstances', false, 'tag one of another deployment', tagLater('ci-west', jobTagKeys)],
    ['taginstances', false, 'make an instance ours', tagLater(undefined, [deploymentTag])],
    ['taginstances', false, 'change the deployment of one of ours', tagLater('ci', [...jobTagKeys, deploymentTag])],
    ['taginstances', false, 'terminate an instance of ours', terminate('ci')],
    ['abandonrunner', true, 'terminate an instance of ours', terminate('ci')],
    ['abandonrunner', false, 'terminate one of another deployment', terminate('ci-west')],
    ['launcher', true, 'give an instance its profile’s role', passRole(arnOf(host))],
    ['launcher', false, 'give it another role', passRole(arnOf(launcher))],
    ['launcher', false, 'give that role to a function', passRole(arnOf(host), 'lambda.amazonaws.com')],
    ['launcher', true, 'terminate an instance of ours', terminate('ci')],
    ['launcher', false, 'terminate one of another deployment', terminate('ci-west')],
    ['launcher', false, 'read GitLab’s token', { action: 'secretsmanager:GetSecretValue', resource: secret }],
    ['launcher', false, 'send itself messages', { action: 'sqs:SendMessage', resource: arnOf('LaunchQueueRequests') }],
    ['terminateinstance', true, 'terminate an instance of ours', terminate('ci')],
    ['terminateinstance', false, 'terminate one of another deployment', terminate('ci-west')],
    [
      'terminateinstance',
      false,
      'terminate one without a tag',
      { action: 'ec2:TerminateInstances', resource: ec2Arn('instance', 'i-1') },
    ],
    ['reconcile', true, 'terminate an instance of ours', terminate('ci')],
    ['reconcile', false, 'terminate one of another deployment', terminate('ci-west')],
    [
      'reconcile',
      false,
      'terminate one without a tag',
      { action: 'ec2:TerminateInstances', resource: ec2Arn('instance', 'i-1') },
    ],
    ['reconcile', true, 'list instances', { action: 'ec2:DescribeInstances', resource: '*' }],
    [
      'reconcile',
      false,
      'launch one',
      { action: 'ec2:CreateFleet', resource: ec2Arn('fleet', 'f'), context: tagged('ci') },
    ],
    ['reconcile', true, 'ask for the limit of functions', { action: 'lambda:GetAccountSettings', resource: '*' }],
    ['reconcile', false, 'change a function', { action: 'lambda:UpdateFunctionCode', resource: shellFunction }],
    ['chooserunner', false, 'ask for the limit of functions', { action: 'lambda:GetAccountSettings', resource: '*' }],
    ['chooserunner', true, 'read the limit that was written down', dynamodb('GetItem', runners)],
    ['reconcile', true, 'list tickets', dynamodb('Scan', tickets)],
    ['reconcile', true, 'remove a ticket', dynamodb('DeleteItem', tickets)],
    ['reconcile', false, 'leave a ticket', dynamodb('PutItem', tickets)],
    ['reconcile', false, 'scan the runners’ history', dynamodb('Scan', runners)],
    ['reconcile', true, 'look into an index', dynamodb('Query', `${runners}/index/live`)],
    ['reconcile', true, 'remember what it suspects', dynamodb('PutItem', runners)],
    ['reconcile', false, 'change a runner’s item', dynamodb('UpdateItem', runners)],
    ['reconcile', false, 'remove a runner’s item', dynamodb('DeleteItem', runners)],
    ['reconcile', true, 'read the job mappings', dynamodb('Scan', mappings)],
    ['reconcile', false, 'edit the job mappings', dynamodb('PutItem', mappings)],
    ['reconcile', true, 'put an event on our bus', { action: 'events:PutEvents', resource: bus }],
    ['reconcile', false, 'put one on another', { action: 'events:PutEvents', resource: `${bus}-2` }],
    ['reconcile', true, 'request a launch', { action: 'sqs:SendMessage', resource: arnOf('LaunchQueueRequests') }],
    ['reconcile', false, 'take one', { action: 'sqs:ReceiveMessage', resource: arnOf('LaunchQueueRequests') }],
    ['reconcile', false, 'write to another queue', { action: 'sqs:SendMessage', resource: arnOf('TagQueueTags') }],
    [
      'reconcile',
      false,
      'fake a dead letter',
      { action: 'sqs:SendMessage', resource: arnOf('LaunchQueueDeadLetters') },
    ],
    ['host', false, 'touch the runners’ items', dynamodb('DeleteItem', runners)],
    ['shell function', false, 'edit the job mappings', dynamodb('PutItem', mappings)],
    ['chooserunner', true, 'read the job mappings', dynamodb('Scan', mappings)],
    ['chooserunner', false, 'write a job mapping', dynamodb('PutItem', mappings)],
    ['chooserunner', true, 'note which job a runner took', dynamodb('UpdateItem', runners)],
    ['chooserunner', false, 'admit a job', dynamodb('PutItem', runners)],
    ['bindrunner', true, 'put an event on the bus', { action: 'events:PutEvents', resource: bus }],
    ['bindrunner', false, 'put one on another', { action: 'events:PutEvents', resource: `${bus}-2` }],
    ['bindrunner', true, 'read the job mappings', dynamodb('Scan', mappings)],
    ['bindrunner', false, 'write a job mapping', dynamodb('PutItem', mappings)],
    ['chooserunner', false, 'read a ticket', dynamodb('GetItem', tickets)],
    ['registerrunner', true, 'leave a function its ticket', dynamodb('PutItem', tickets)],
    ['registerrunner', true, 'leave a ticket for a host to come', dynamodb('PutItem', waiting)],
    ['registerrunner', false, 'read a ticket', dynamodb('GetItem', waiting)],
    ['launcher', true, 'read a ticket that waits for its host', dynamodb('GetItem', waiting)],
    ['launcher', true, 'put it where its host finds it', dynamodb('PutItem', tickets)],
    ['launcher', false, 'read it there', dynamodb('GetItem', tickets)],
    ['admitjob', true, 'write a runner’s item', dynamodb('PutItem', runners)],
    ['admitjob', false, 'read GitLab’s token', { action: 'secretsmanager:GetSecretValue', resource: secret }],
    ['findrunner', true, 'look into an index', dynamodb('Query', `${runners}/index/live`)],
    ['releaserunner', true, 'remove a ticket', dynamodb('DeleteItem', tickets)],
    [
      'findinterruptedrunner',
      true,
      'find an item by its instance',
      dynamodb('Query', `${runners}/index/by-instance-id`),
    ],
    [
      'findinterruptedrunner',
      false,
      'read GitLab’s token',
      { action: 'secretsmanager:GetSecretValue', resource: secret },
    ],
    ['findinterruptedrunner', false, 'terminate an instance', terminate('ci')],
    ['removerunners', true, 'list instances', { action: 'ec2:DescribeInstances', resource: '*' }],
    ['removerunners', true, 'terminate an instance of ours', terminate('ci')],
    ['removerunners', false, 'terminate one of another deployment', terminate('ci-west')],
    ['removerunners', true, 'look into the index of what lives', dynamodb('Query', `${runners}/index/live`)],
    ['removerunners', false, 'write an item', dynamodb('UpdateItem', runners)],
    ['removerunners', false, 'touch a ticket', dynamodb('DeleteItem', tickets)],
    ['removerunners', true, 'read GitLab’s token', { action: 'secretsmanager:GetSecretValue', resource: secret }],
    ['mendjob', true, 'read GitLab’s token', { action: 'secretsmanager:GetSecretValue', resource: secret }],
    ['mendjob', true, 'mark a retry', dynamodb('UpdateItem', runners)],
    ['mendjob', false, 'touch a ticket', dynamodb('DeleteItem', tickets)],
    ['admitjob', true, 'claim a retry', dynamodb('UpdateItem', runners)],
    ['bindrunner', false, 'remove a ticket', dynamodb('DeleteItem', tickets)],
    ['giveturns', true, 'move a ticket to its host', dynamodb('PutItem', tickets)],
    ['giveturns', true, 'take it back', dynamodb('PutItem', waiting)],
    ['giveturns', false, 'list tickets', dynamodb('Scan', waiting)],
    ['giveturns', true, 'read GitLab’s token', { action: 'secretsmanager:GetSecretValue', resource: secret }],
    ['giveturns', false, 'change a mapping', dynamodb('PutItem', mappings)],
    ['giveturns', false, 'terminate an instance of ours', terminate('ci')],
    ['start workflow', true, 'invoke a runner function', { action: 'lambda:InvokeFunction', resource: shellFunction }],
    [
      'start workflow',
      false,
      'invoke any other function',
      { action: 'lambda:InvokeFunction', resource: `${shellFunction}-2` },
    ],
    [
      'start workflow',
      false,
      'invoke a Lambda of the stop workflow',
      { action: 'lambda:InvokeFunction', resource: arnOf('Functionsdrainrunner') },
    ],
    [
      'start workflow',
      true,
      'request an instance',
      { action: 'sqs:SendMessage', resource: arnOf('LaunchQueueRequests') },
    ],
    ['start workflow', true, 'note a launch', dynamodb('UpdateItem', runners)],
    ['start workflow', false, 'read tickets', dynamodb('GetItem', tickets)],
    ['start workflow', true, 'put an event on our bus', { action: 'events:PutEvents', resource: bus }],
    ['start workflow', false, 'put one on another', { action: 'events:PutEvents', resource: `${bus}-2` }],
  ];
  const roles: Readonly<Record<string, string>> = {
    launcher,
    host,
    'shell function': 'shell-runner-role',
    'start workflow': start,
    ...Object.fromEntries(lambdas.map((lambda) => [lambda, roleOf(lambda)])),
  };

  it.each(questions)('%s: %s: may %s', async (who, may, _what, request) => {
    expect(await mayDo(roles[who] ?? '', request)).toBe(may);
  });
});

describe('no policy', () => {
  const roles = [
    ...lambdas.map(roleOf),
    'StartRunnerWorkflowRole',
    'StopRunnerWorkflowRole',
    'AbandonRunnerWorkflowRole',
    'InterruptRunnerWorkflowRole',
  ];
  const hosts = ['ProfilesdefaultRole', 'shell-runner-role'];
  /**
   * Log delivery and traces know no resources. Source:
   * https://docs.aws.amazon.com/service-authorization/latest/reference/
   */
  const knowNoResources =
    /^(ec2:DescribeInstances|lambda:GetAccountSettings|logs:(\w+LogDelivery|ListLogDeliveries|PutResourcePolicy|Describe\w+)|xray:\w+)$/;

  it.each([...roles, ...hosts])('of %s names all resources for an action that knows which', (role) => {
    const statements = statementsOf(role);
    expect(statements.length).toBeGreaterThan(0);
    const wide = statements.filter(({ Resource }) =>
      listOf(Resource).some((arn) => arn === '*' || arn.includes(':*:*')),
    );
    expect(actionsIn(wide).filter((action) => !knowNoResources.test(action))).toEqual([]);
  });

  it.each([...roles, ...hosts])('of %s names all actions of a service, or a table that is not ours', (role) => {
    const statements = statementsOf(role).filter(({ Effect }) => Effect === 'Allow');
    expect(actionsIn(statements).filter((action) => action.includes('*'))).toEqual([]);
    const named = statements.flatMap(({ Resource }) => listOf(Resource)).filter((arn) => arn.includes(':dynamodb:'));
    const isOurs = (arn: string) =>
      [mappings, runners, tickets, waiting].includes(arn) || arn.startsWith(`${runners}/index/`);
    expect(named.filter((arn) => !isOurs(arn))).toEqual([]);
  });

  it('but the launcher’s passes a role, and that is the role of a profile', () => {
    const passing = roles.filter((role) => actionsIn(statementsOf(role)).includes('iam:PassRole'));
    expect(passing).toEqual([roleOf('launchinstances')]);
    const statement = statementsOf(roleOf('launchinstances')).find(({ Action }) => Action === 'iam:PassRole');
    expect(statement).toMatchObject({
      Resource: arnOf('ProfilesdefaultRole'),
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    });
  });

  it('terminates, launches or tags without a condition or a template', () => {
    const statements = roles
      .flatMap(statementsOf)
      .filter(({ Action = [] }) => listOf(Action).some((action) => /^ec2:(?!Describe)/.test(action)));
    const free = statements.filter(
      ({ Condition, Sid }) =>
        !Condition && !['OurLaunchTemplates', 'FleetIngredients', 'ListInstances'].includes(Sid ?? ''),
    );
    expect(free).toEqual([]);
  });

  it('lets anybody but the Lambdas that ask GitLab something read GitLab’s token', () => {
    const reading = roles.filter((role) => actionsIn(statementsOf(role)).includes('secretsmanager:GetSecretValue'));
    const expected = [
      'chooserunner',
      'registerrunner',
      'abandonrunner',
      'giveturns',
      'findrunner',
      'drainrunner',
      'unregisterrunner',
      'reconcile',
      'mendjob',
      'removerunners',
      'bindrunner',
    ] as const;
    expect(reading.sort()).toEqual(expected.map(roleOf).sort());
  });

  it.each(['StartRunner', 'StopRunner', 'AbandonRunner', 'InterruptRunner'])(
    'of the %s workflow invokes other functions than its states name',
    (workflow) => {
      const [definition] = Object.entries(template.findResources('AWS::StepFunctions::StateMachine'))
        .filter(([id]) => id.startsWith(workflow))
        .map(([, { Properties }]) => String(resolve(Properties.DefinitionString)));
      const invokable = statementsOf(`${workflow}WorkflowRole`)
        .filter(({ Action }) => Action === 'lambda:InvokeFunction')
        .flatMap(({ Resource }) => listOf(Resource))
        .filter((arn) => !arn.endsWith(':*'));
      const named = lambdas.map((lambda) => arnOf(`Functions${lambda}`)).filter((arn) => definition?.includes(arn));
      const wanted = workflow === 'StartRunner' ? [...named, shellFunction] : named;
      expect(invokable.sort()).toEqual(wanted.sort());
    },
  );
});

describe('what the launcher asks EC2 for', () => {
  it('carries our tag on every kind of resource that its policy wants tagged', async () => {
    const world = launchWorld();
    world.request([1]);
    await world.deliver();
    const [launched] = world.instances.launches;
    if (!launched) throw new Error('nothing was launched');
    const byRequest = fleetOf(launched).TagSpecifications ?? [];
    const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
    const byTemplate = launchTemplate?.Properties.LaunchTemplateData.TagSpecifications as {
      ResourceType: string;
      Tags: { Key: string; Value: string }[];
    }[];
    const kindsTagged = [
      ...byRequest.map(({ ResourceType, Tags = [] }) => ({ kind: ResourceType, tags: Tags })),
      ...byTemplate.map(({ ResourceType, Tags }) => ({
        kind: ResourceType,
        tags: Tags.map(({ Key, Value }) => ({ Key, Value })),
      })),
    ];
    const ours = kindsTagged.filter(({ tags }) =>
      tags.some(({ Key, Value }) => Key === deploymentTag && Value === 'ci'),
    );
    const wanted = statementsOf(roleOf('launchinstances'))
      .filter(({ Sid }) => Sid === 'RunWithOurTag')
      .flatMap(({ Resource }) => listOf(Resource))
      .map((arn) => arn.split(':').at(-1)?.split('/')[0]);
    expect(wanted.length).toBeGreaterThan(3);
    for (const kind of wanted) expect(ours.map((one) => String(one.kind))).toContain(kind);
  });

  it('tags no spot request, since EC2 refuses that for on-demand capacity', () => {
    const templates = JSON.stringify(template.findResources('AWS::EC2::LaunchTemplate'));
    expect(templates).not.toContain('spot-instances-request');
  });
});
