import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { deploymentSchema } from '../../../infrastructure/deployment/deployment.ts';
import { caCertificatesFile } from '../../../infrastructure/gitlab/gitlab-trust.ts';
import { readIngestEnvironment } from '../../../infrastructure/ingest/ingest-environment.ts';
import { createProjectFilter } from '../../../infrastructure/kit/project-filter.ts';
import { createNetworkFilter } from '../../../infrastructure/kit/webhook-networks.ts';
import { layOutJobFolder, readRunnerSettings, renderRunnerConfig } from '../../../lambda-shell-runner/runner-config.ts';
import { faultsOf } from './inputs.ts';
import { caCertificates, rich, shared, tokenSecretArn } from './rich-deployment.ts';
import { settingsOf } from './schema-keys.ts';
import { bootVariables, type Properties, synthesize } from './stacks.ts';

const { infrastructure, autoscaler, 'lambda-shell-runner': lambdas, 'ec2-runner-ami': images } = await synthesize(rich);
const { infrastructure: elsewhere } = await synthesize({
  network: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-1', 'subnet-2'] },
});
const { infrastructure: given } = await synthesize({
  network: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-1'], securityGroupIds: ['sg-1', 'sg-2'] },
});
const { 'ec2-runner-ami': armImages } = await synthesize({
  ...(rich.ami ? { ami: rich.ami } : {}),
  profiles: { default: { type: 'EC2', architecture: 'arm64' } },
});
const { autoscaler: toFunctions, 'lambda-shell-runner': plainLambdas } = await synthesize({
  defaultRunner: { type: 'LAMBDA', profile: 'shell' },
});

const template = (profile: string) =>
  autoscaler.properties('EC2::LaunchTemplate', `Profiles${profile}LaunchTemplate`).LaunchTemplateData as Properties;
const big = template('big');
const boot = bootVariables(big);
const ebs = (profile: string) =>
  (template(profile).BlockDeviceMappings as [{ DeviceName: string; Ebs: Properties }])[0];
const functionOf = (profile: string) => lambdas.properties('Lambda::Function', `Runner${profile}Function`);
const variablesOf = (properties: Properties) =>
  (properties.Environment as { Variables: Record<string, unknown> }).Variables;
const functionRunner = (profile = 'shell') => {
  const settings = readRunnerSettings(String(variablesOf(functionOf(profile)).RUNNER_SETTINGS));
  const config = renderRunnerConfig({ name: 'n', url: 'u', token: 't' }, layOutJobFolder('/tmp/job'), settings);
  return (parse(config) as unknown as { runners: [Properties] }).runners[0];
};
const lambda = (name: string, of = autoscaler) => variablesOf(of.properties('Lambda::Function', `Functions${name}`));
/** What is too long for one policy of a role, the CDK puts into a managed one beside it. */
const rights = JSON.stringify([...autoscaler.all('IAM::Policy'), ...autoscaler.all('IAM::ManagedPolicy')]);
/** JSON in an environment variable, with references by their names. */
const jsonOf = (value: unknown) => {
  const parts = typeof value === 'string' ? [value] : (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  const text = parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : Object.values(part as object)
            .flat()
            .join('.'),
    )
    .join('');
  return JSON.parse(text) as Record<string, Record<string, unknown>>;
};
const routing = jsonOf(lambda('chooserunner').PROFILES);
const launching = jsonOf(lambda('launchinstances').LAUNCH_PROFILES);
const ingest = (of = infrastructure) => {
  const variables = variablesOf(of.properties('Lambda::Function', 'JobHookReceiveJobHook'));
  const given = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, typeof value === 'string' ? value : 'ref']),
  );
  const aws = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'fake', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' };
  return readIngestEnvironment({ ...given, ...aws });
};
const published = (of: typeof infrastructure, key: string) =>
  of.all('SSM::Parameter').find(({ Name }) => String(Name).endsWith(`/${key}`))?.Value;
const tagsOn = (properties: Properties) =>
  Object.fromEntries((properties.Tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
const statement = {
  Effect: 'Deny',
  Action: ['s3:GetObject', 's3:PutObject'],
  Resource: 'arn:aws:s3:::artifacts/*',
  Condition: { StringNotEquals: { 'aws:RequestedRegion': ['eu-central-1'] } },
};
const secretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:registries-AbCdEf';
const hostRole = autoscaler.properties('IAM::Role', 'ProfilesbigRole');
const hostPolicy = autoscaler.properties('IAM::Policy', 'ProfilesbigRole').PolicyDocument as {
  Statement: Properties[];
};
const functionRole = lambdas.properties('IAM::Role', 'RunnershellRole');
const jobRole = lambdas.properties('IAM::Role', 'RunnershellJobRole');
const jobPolicy = lambdas.properties('IAM::Policy', 'RunnershellJobRole').PolicyDocument as {
  Statement: Properties[];
};
const userStatement = (policy: { Statement: Properties[] }) =>
  policy.Statement.filter(({ Effect, Sid }) => Effect === 'Deny' && Sid === undefined);
const image = (type: string, from = images) => from.properties(`ImageBuilder::${type}`);
const ownComponent = () => images.properties('ImageBuilder::Component', 'Imagex8664ContentComponentowncertificates');
const imageDisk = () => (image('ImageRecipe').BlockDeviceMappings as [{ Ebs: Properties }])[0].Ebs;
const environment = ['LEVEL=rich', 'QUOTES=it\'s "fine"', 'PRICE=$$5'];
const scripts = {
  pre_get_sources_script: 'echo 1',
  post_get_sources_script: 'echo 2',
  pre_build_script: "echo '3'\ndate",
  post_build_script: 'echo 4',
};

/** Each setting's effect on what is deployed, seen in the synthesized templates. */
const effects: Readonly<Record<string, () => void>> = {
  name: () =>
    expect([autoscaler.stackName, infrastructure.stackName]).toEqual(['ci-rich-autoscaler', 'ci-rich-infrastructure']),
  account: () => expect(autoscaler.account).toBe('123456789012'),
  region: () => expect(images.region).toBe('eu-central-1'),
  'gitlab.url': () => {
    expect(lambda('registerrunner').GITLAB_URL).toBe('https://gitlab.example.com');
    expect(boot.read('gitlab_url')).toBe('https://gitlab.example.com');
  },
  'gitlab.cloneUrl': () => {
    expect(boot.runner.clone_url).toBe('https://git.example.com');
    for (const profile of ['shell', 'small']) expect(functionRunner(profile).clone_url).toBe('https://git.example.com');
  },
  'gitlab.caCertificates': () => {
    expect(boot.read('ca_certificates').trim()).toBe(caCertificates.trim());
    // Bundles find them in a layer, and images have a copy.
    expect([functionOf('shell').Layers, functionOf('small').Layers]).toEqual([
      [{ Ref: expect.any(String) }],
      undefined,
    ]);
    for (const profile of ['shell', 'small', 'smallest']) {
      expect(functionRunner(profile)['tls-ca-file']).toBe(caCertificatesFile);
      expect(variablesOf(functionOf(profile)).NODE_EXTRA_CA_CERTS).toBe(caCertificatesFile);
    }
    // git in a job's own script is told of the file that gitlab-runner gives the job.
    for (const { pre_build_script: hook } of [boot.runner, functionRunner('shell')])
      expect(hook).toContain('sslCAInfo');
    expect(lambda('chooserunner').NODE_EXTRA_CA_CERTS).toBe(caCertificatesFile);
  },
  'network.availabilityZones': () => expect(infrastructure.all('EC2::Subnet')).toHaveLength(2 * 3),
  'network.natGateways': () => expect(infrastructure.all('EC2::NatGateway')).toHaveLength(2),
  'network.cidr': () => expect(infrastructure.properties('EC2::VPC').CidrBlock).toBe('10.9.0.0/18'),
  'network.flowLogs': () => {
    expect(infrastructure.properties('EC2::FlowLog')).toMatchObject({ TrafficType: 'ALL' });
    expect(elsewhere.all('EC2::FlowLog')).toEqual([]);
  },
  workflowHistory: () => {
    expect(autoscaler.properties('StepFunctions::StateMachine', 'StartRunner')).toMatchObject({
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  },
  permissionsBoundaryArn: () => {
    const boundary = (role: string) => autoscaler.properties('IAM::Role', role).PermissionsBoundary;
    expect(boundary('ProfilesplainRole')).toBe(rich.permissionsBoundaryArn);
    expect(boundary('ProfilesbigRole')).toBe(shared.permissionsBoundaryArn);
  },
  rolePath: () => {
    expect(autoscaler.properties('IAM::Role', 'ProfilesplainRole').Path).toBe('/ci/runners/');
    // The function's role is known by its ARN, of which the name is what follows the path.
    const [name] = autoscaler.properties('IAM::Policy', 'ProfilesshellClaimsTickets').Roles as [object];
    expect(name).toEqual({ 'Fn::Select': [3, { 'Fn::Split': ['/', expect.anything()] }] });
  },
  kmsKeyArn: () => {
    expect(autoscaler.properties('DynamoDB::Table', 'TablesRunners').SSESpecification).toMatchObject({
      SSEType: 'KMS',
    });
    // The image is the user's own, so that its disk has the deployment's key.
    expect(ebs('big').Ebs).toMatchObject({ Encrypted: true, KmsKeyId: rich.kmsKeyArn });
  },
  logRetentionDays: () => expect(autoscaler.properties('Logs::LogGroup', 'ProfilesHostLogs').RetentionInDays).toBe(90),
  'network.vpcId': () => {
    expect(elsewhere.properties('EC2::SecurityGroup')).toMatchObject({ VpcId: 'vpc-0123456789abcdef0' });
    expect(elsewhere.properties('EC2::SecurityGroup')).not.toHaveProperty('SecurityGroupIngress');
    expect(JSON.stringify(published(elsewhere, 'security-group-ids'))).toContain('NetworkRunners');
  },
  'network.subnetIds': () => expect(published(elsewhere, 'subnet-ids')).toBe('subnet-1,subnet-2'),
  'network.securityGroupIds': () => {
    expect(published(given, 'security-group-ids')).toBe('sg-1,sg-2');
    expect(given.all('EC2::SecurityGroup')).toEqual([]);
  },
  'gitlab.webhook.signatureOnly': () =>
    expect([ingest().signatureOnly, ingest(given).signatureOnly]).toEqual([true, false]),
  'gitlab.webhook.allowedNetworks': () => {
    const isAllowed = createNetworkFilter(ingest().allowedNetworks);
    const addresses = ['34.74.90.70', '34.74.226.9', '192.0.2.1', '192.0.3.1', '::1'];
    expect(addresses.map((address) => isAllowed(address))).toEqual([true, true, true, false, false]);
    expect(createNetworkFilter(ingest(given).allowedNetworks)('192.0.3.1')).toBe(true);
  },
  allowedProjects: () => {
    const filter = createProjectFilter(ingest().allowedProjects);
    const allowed = ['group/a', 'group/sub/b', 'other/project', 'other/project-2', 'groups/a', null];
    expect(allowed.map((path) => filter(path).allowed)).toEqual([true, true, true, false, false, false]);
  },
  'defaultRunner.IGNORE.type': () =>
    expect(jsonOf(lambda('chooserunner').DEFAULT_RUNNER)).not.toEqual({ type: 'IGNORE' }),
  'defaultRunner.EC2.type': () => expect(jsonOf(lambda('chooserunner').DEFAULT_RUNNER)).toMatchObject({ type: 'EC2' }),
  'defaultRunner.EC2.profile': () =>
    expect(jsonOf(lambda('chooserunner').DEFAULT_RUNNER)).toMatchObject({ profile: 'big' }),
  'defaultRunner.LAMBDA.type': () =>
    expect(jsonOf(lambda('chooserunner', toFunctions).DEFAULT_RUNNER)).toMatchObject({ type: 'LAMBDA' }),
  'defaultRunner.LAMBDA.profile': () =>
    expect(jsonOf(lambda('chooserunner', toFunctions).DEFAULT_RUNNER)).toMatchObject({ profile: 'shell' }),
  maxConcurrent: () => expect(lambda('chooserunner').MAX_CONCURRENT).toBe('77'),
  exact: () => {
    expect(jsonOf(lambda('chooserunner').EXACT)).toBe('always');
    expect(lambda('chooserunner', toFunctions)).not.toHaveProperty('EXACT');
  },
  alarmTopicArn: () => {
    const all = [autoscaler, infrastructure].flatMap((stack) => stack.all('CloudWatch::Alarm'));
    const actions = all.map(({ AlarmActions }) => AlarmActions);
    expect(actions.length).toBeGreaterThan(6);
    for (const action of actions) expect(action).toEqual([rich.alarmTopicArn]);
  },
  maxAttempts: () =>
    expect([lambda('admitjob').MAX_ATTEMPTS, lambda('abandonrunner').MAX_ATTEMPTS]).toEqual(['5', '5']),
  'reconciler.patience': () => expect(lambda('reconcile').PATIENCE).toBe('2.5'),
  resourceTags: () => {
    for (const bucket of infrastructure.all('S3::Bucket')) expect(tagsOn(bucket)).toMatchObject({ team: 'builders' });
    for (const { Tags } of big.TagSpecifications as Properties[])
      expect(Tags).toContainEqual({ Key: 'team', Value: 'builders' });
    expect(tagsOn(functionOf('small'))).toMatchObject({ team: 'builders' });
  },
  'ami.rebuild': () => expect(image('ImagePipeline')).not.toHaveProperty('Schedule'),
  'ami.keep': () =>
    expect(image('LifecyclePolicy')).toMatchObject({ PolicyDetails: [{ Filter: { Type: 'COUNT', Value: 7 } }] }),
  'ami.onDestroy': () => expect(images.all('Custom::RunnerImages')).toHaveLength(1),
  'ami.sizeGiB': () => expect(imageDisk().VolumeSize).toBe(12),
  'ami.kmsKeyArn': () => {
    expect(imageDisk()).toMatchObject({ Encrypted: true, KmsKeyId: rich.ami?.kmsKeyArn });
    expect(JSON.stringify(images.properties('IAM::Role', 'RolesExecution'))).toContain(rich.ami?.kmsKeyArn);
    expect(ebs('plain').Ebs).toMatchObject({ Encrypted: true, KmsKeyId: rich.ami?.kmsKeyArn });
    expect(JSON.stringify(autoscaler.properties('IAM::Policy', 'Functionslaunchinstances'))).toContain(
      rich.ami?.kmsKeyArn,
    );
  },
  'ami.instanceTypes.x86_64': () => expect(image('InfrastructureConfiguration').InstanceTypes).toEqual(['c6a.large']),
  'ami.instanceTypes.arm64': () =>
    expect(image('InfrastructureConfiguration', armImages).InstanceTypes).toEqual(['c8g.large']),
  'ami.subnetId': () => expect(image('InfrastructureConfiguration').SubnetId).toBe('subnet-0123456789abcdef1'),
  'ami.securityGroupIds': () =>
    expect(image('InfrastructureConfiguration').SecurityGroupIds).toEqual(['sg-0123456789abcdef1']),
  'ami.components.*.build': () => expect(ownComponent().Data).toContain('update-ca-trust'),
  'ami.components.*.test': () => expect(ownComponent().Data).toMatch(/name: test\n[\s\S]*trust list/),
  'ami.componentArns': () =>
    expect(image('ImageRecipe').Components).toContainEqual({ ComponentArn: rich.ami?.componentArns?.[0] }),
  'profiles.LAMBDA.type': () =>
    expect(routing.shell).toMatchObject({ type: 'LAMBDA', functionArn: expect.any(String) }),
  'profiles.LAMBDA.extends': () => expect(functionOf('shell').MemorySize).toBe(512),
  'profiles.LAMBDA.maxConcurrent': () => {
    expect(routing.shell).toMatchObject({ maxConcurrent: 12 });
  },
  'profiles.LAMBDA.managedPolicyArns': () => expect(jobRole.ManagedPolicyArns).toEqual(shared.managedPolicyArns),
  'profiles.LAMBDA.policyStatements.*.effect': () => expect(userStatement(jobPolicy)).toHaveLength(1),
  'profiles.LAMBDA.policyStatements.*.actions': () =>
    expect(userStatement(jobPolicy)).toMatchObject([{ Action: statement.Action }]),
  'profiles.LAMBDA.policyStatements.*.resources': () =>
    expect(userStatement(jobPolicy)).toMatchObject([{ Resource: statement.Resource }]),
  'profiles.LAMBDA.policyStatements.*.conditions': () => expect(userStatement(jobPolicy)).toEqual([statement]),
  'profiles.LAMBDA.permissionsBoundaryArn': () =>
    expect([functionRole.PermissionsBoundary, jobRole.PermissionsBoundary]).toEqual([
      shared.permissionsBoundaryArn,
      shared.permissionsBoundaryArn,
    ]),
  'profiles.LAMBDA.environment': () => expect(functionRunner().environment).toEqual(environment),
  'profiles.LAMBDA.outputLimitKiB': () => expect(functionRunner().output_limit).toBe(777),
  'profiles.LAMBDA.runnerConfig': () => expect(functionRunner().feature_flags).toEqual({ FF_SCRIPT_SECTIONS: true }),
  'profiles.LAMBDA.resourceTags': () => {
    expect(tagsOn(functionOf('shell'))).toMatchObject({ size: 'small', team: 'builders' });
    expect(tagsOn(functionOf('small'))).not.toHaveProperty('size');
  },
  'profiles.LAMBDA.tags': () => expect(routing.shell).toMatchObject({ tags: ['shell'] }),
  'profiles.LAMBDA.memoryMiB': () => expect(functionOf('small').MemorySize).toBe(512),
  'profiles.LAMBDA.ephemeralStorageMiB': () => expect(functionOf('shell').EphemeralStorage).toEqual({ Size: 3_000 }),
  'profiles.LAMBDA.architecture': () =>
    expect([functionOf('shell').Architectures, functionOf('small').Architectures]).toEqual([['x86_64'], ['arm64']]),
  'profiles.LAMBDA.timeoutMinutes': () => {
    expect(routing.shell).toMatchObject({ timeoutMinutes: 10 });
    expect(functionOf('shell').Timeout).toBe(12 * 60);
  },
  'profiles.LAMBDA.packaging': () =>
    expect([functionOf('shell').PackageType, functionOf('small').PackageType]).toEqual([undefined, 'Image']),
  'profiles.LAMBDA.imageFolder': () => {
    expect([functionOf('smallest').PackageType, functionOf('smallest').Architectures]).toEqual(['Image', ['arm64']]);
    expect(functionOf('small').Code).not.toEqual(functionOf('smallest').Code);
  },
  'profiles.LAMBDA.jobRoleArn': () => {
    expect(variablesOf(functionOf('small')).JOB_ROLE_ARN).toBe('arn:aws:iam::123456789012:role/deployer');
    expect(JSON.stringify(lambdas.properties('IAM::Policy', 'RunnersmallRole'))).toContain('role/deployer');
  },
  'profiles.LAMBDA.retryMisplaced': () =>
    expect(JSON.parse(String(lambda('mendjob').MISPLACED_RETRIED_PROFILES))).toEqual(['big', 'shell']),
  'profiles.LAMBDA.accessLevel': () => expect(routing.shell?.accessLevel).toBe('ref_protected'),
  'profiles.LAMBDA.isolateProjects': () => {
    expect(functionOf('small').TenancyConfig).toEqual({ TenantIsolationMode: 'PER_TENANT' });
    expect(functionOf('shell')).not.toHaveProperty('TenancyConfig');
    expect([routing.small?.isolateProjects, routing.shell?.isolateProjects]).toEqual([true, undefined]);
  },
  'profiles.LAMBDA.hooks.preGetSources': () => expect(functionRunner()).toMatchObject(pick('pre_get_sources_script')),
  'profiles.LAMBDA.hooks.postGetSources': () => expect(functionRunner()).toMatchObject(pick('post_get_sources_script')),
  'profiles.LAMBDA.hooks.preBuild': () =>
    expect(functionRunner().pre_build_script).toMatch(/^# git .*\necho '3'\ndate$/s),
  'profiles.LAMBDA.hooks.postBuild': () => expect(functionRunner()).toMatchObject(pick('post_build_script')),
  'profiles.EC2.type': () => {
    expect(routing.big).toMatchObject({ type: 'EC2' });
    expect(Object.keys(launching)).toEqual(['big', 'base', 'plain', 'open', 'shared']);
  },
  'profiles.EC2.extends': () => expect([ebs('plain').Ebs.VolumeSize, launching.plain?.onDemand]).toEqual([55, 'never']),
  'profiles.EC2.maxConcurrent': () => expect(routing.big).toMatchObject({ maxConcurrent: 11 }),
  'profiles.EC2.managedPolicyArns': () => expect(hostRole.ManagedPolicyArns).toEqual(shared.managedPolicyArns),
  'profiles.EC2.policyStatements.*.effect': () => expect(userStatement(hostPolicy)).toHaveLength(1),
  'profiles.EC2.policyStatements.*.actions': () =>
    expect(userStatement(hostPolicy)).toMatchObject([{ Action: statement.Action }]),
  'profiles.EC2.policyStatements.*.resources': () =>
    expect(userStatement(hostPolicy)).toMatchObject([{ Resource: statement.Resource }]),
  'profiles.EC2.policyStatements.*.conditions': () => expect(userStatement(hostPolicy)).toEqual([statement]),
  'profiles.EC2.permissionsBoundaryArn': () => expect(hostRole.PermissionsBoundary).toBe(shared.permissionsBoundaryArn),
  'profiles.EC2.environment': () => expect(boot.runner.environment).toEqual(environment),
  'profiles.EC2.outputLimitKiB': () => expect(boot.runner.output_limit).toBe(777),
  'profiles.EC2.runnerConfig': () => expect(boot.runner.feature_flags).toEqual({ FF_SCRIPT_SECTIONS: true }),
  'profiles.EC2.resourceTags': () => {
    for (const { Tags } of big.TagSpecifications as Properties[])
      expect(Tags).toContainEqual({ Key: 'size', Value: 'big' });
    expect(tagsOn(hostRole)).toMatchObject({ size: 'big' });
    expect(JSON.stringify(template('plain').TagSpecifications)).not.toContain('"size"');
  },
  'profiles.EC2.tags': () => {
    expect(routing.big).toMatchObject({ tags: ['big', 'docker'] });
    expect(routing.plain).not.toHaveProperty('tags');
    expect(jsonOf(lambda('reconcile').PROFILES)).toEqual(routing);
  },
  'profiles.EC2.architecture': () => {
    // The only profile of arm64 has an image of its own; the others need one that is built.
    expect(
      images.all('ImageBuilder::ImageRecipe').map(({ ParentImage }) => String(ParentImage).split('-').at(-1)),
    ).toEqual(['x86_64']);
    expect(template('plain').ImageId).toBe('resolve:ssm:/ci-rich/ec2-runner-ami/x86_64/image-id');
  },
  'profiles.EC2.instanceTypes': () =>
    expect(launching.big).toMatchObject({ instanceTypes: ['c7g.large', 'c8g.large'] }),
  'profiles.EC2.onDemand': () => expect(launching.big).toMatchObject({ onDemand: 'never' }),
  'profiles.EC2.retryInterrupted': () => expect(lambda('mendjob').RETRIED_PROFILES).toBe('["big"]'),
  'profiles.EC2.retryMisplaced': () =>
    expect(JSON.parse(String(lambda('mendjob').MISPLACED_RETRIED_PROFILES))).toContain('big'),
  'profiles.EC2.accessLevel': () => expect(routing.big?.accessLevel).toBe('ref_protected'),
  'profiles.EC2.maxPriceUsd': () => expect(launching.big).toMatchObject({ maxPriceUsd: 0.25 }),
  'profiles.EC2.volume.sizeGiB': () => expect(ebs('big').Ebs.VolumeSize).toBe(55),
  'profiles.EC2.volume.iops': () => expect([ebs('big').Ebs.Iops, ebs('plain').Ebs.Iops]).toEqual([4_000, undefined]),
  'profiles.EC2.volume.throughputMiBps': () =>
    expect([ebs('big').Ebs.Throughput, ebs('plain').Ebs.Throughput]).toEqual([500, undefined]),
  'profiles.EC2.volume.deviceName': () =>
    expect([ebs('big').DeviceName, ebs('plain').DeviceName]).toEqual(['/dev/sda1', '/dev/xvda']),
  'profiles.EC2.imageParameter': () => {
    expect(big.ImageId).toBe('resolve:ssm:/images/mine');
    expect(rights).toContain(':parameter/images/mine');
  },
  'profiles.EC2.subnetIds': () => {
    expect(launching.big).toMatchObject({ subnetIds: ['subnet-a', 'subnet-b'] });
    expect(launching.plain).not.toHaveProperty('subnetIds');
  },
  'profiles.EC2.securityGroupIds': () => {
    expect(big.SecurityGroupIds).toEqual(['sg-0123456789abcdef0']);
    expect(JSON.stringify(template('plain').SecurityGroupIds)).toContain('securitygroupids');
  },
  'profiles.EC2.ssh.keyName': () => {
    expect([template('open').KeyName, template('plain').KeyName]).toEqual(['oncall', undefined]);
    expect(rights).toContain(':key-pair/oncall');
  },
  'profiles.EC2.ssh.cidrs': () => {
    // One group for the one profile that lets somebody in, beside the network's.
    const from = (CidrIp: string) => ({ CidrIp, IpProtocol: 'tcp', FromPort: 22, ToPort: 22 });
    expect(autoscaler.all('EC2::SecurityGroup')).toMatchObject([
      { SecurityGroupIngress: [from('192.0.2.0/24'), from('198.51.100.7/32')] },
    ]);
    expect(JSON.stringify(template('open').SecurityGroupIds)).toMatch(/securitygroupids.*ProfilesopenSsh/);
    expect(JSON.stringify(template('plain').SecurityGroupIds)).not.toContain('Ssh');
  },
  'profiles.EC2.sessionManager': () => {
    const actionsOf = (profile: string) =>
      JSON.stringify(autoscaler.properties('IAM::Policy', `Profiles${profile}Role`).PolicyDocument);
    expect(actionsOf('open')).toContain('ssmmessages:OpenDataChannel');
    expect(actionsOf('open')).not.toContain('ssm:GetParameter');
    expect(actionsOf('plain')).not.toContain('ssm');
  },
  'profiles.EC2.executor': () =>
    expect([boot.read('executor'), bootVariables(template('plain')).read('executor')]).toEqual(['docker', 'shell']),
  'profiles.EC2.docker.image': () => expect(boot.runner.docker).toMatchObject({ image: 'debian:13' }),
  'profiles.EC2.docker.privileged': () => expect(boot.runner.docker).toMatchObject({ privileged: true }),
  'profiles.EC2.docker.volumes': () =>
    expect(boot.runner.docker).toMatchObject({ volumes: expect.arrayContaining(['/cache', '/data']) }),
  'profiles.EC2.docker.hostSocket': () =>
    expect(boot.runner.docker).toMatchObject({
      volumes: expect.arrayContaining(['/cache', '/data', '/var/run/docker.sock:/var/run/docker.sock']),
    }),
  'profiles.EC2.docker.buildsDir': () =>
    expect(boot.runner).toMatchObject({
      builds_dir: '/srv/builds',
      docker: { volumes: expect.arrayContaining(['/srv/builds:/srv/builds']) },
    }),
  'profiles.EC2.docker.cacheDir': () =>
    expect(boot.runner).toMatchObject({
      cache_dir: '/srv/cache',
      docker: { volumes: expect.arrayContaining(['/srv/cache:/srv/cache']) },
    }),
  'profiles.EC2.docker.shell': () => expect(boot.runner.shell).toBe('bash'),
  'profiles.EC2.docker.services.*.name': () =>
    expect(boot.runner.docker).toMatchObject({ services: [{ name: 'docker:28-dind' }] }),
  'profiles.EC2.docker.services.*.alias': () =>
    expect(boot.runner.docker).toMatchObject({ services: [{ alias: 'docker' }] }),
  'profiles.EC2.docker.services.*.command': () =>
    expect(boot.runner.docker).toMatchObject({ services: [{ command: ['--mtu=1400'] }] }),
  'profiles.EC2.docker.capAdd': () => expect(boot.runner.docker).toMatchObject({ cap_add: ['SYS_PTRACE'] }),
  'profiles.EC2.docker.shmSizeMiB': () => expect(boot.runner.docker).toMatchObject({ shm_size: 256 * 1_048_576 }),
  'profiles.EC2.registries.ecr': () => {
    const helpers = { '210987654321.dkr.ecr.eu-west-1.amazonaws.com': 'ecr-login' };
    expect(JSON.parse(boot.read('docker_config'))).toEqual({ credHelpers: helpers });
    expect(JSON.stringify(hostPolicy)).toContain(':ecr:eu-west-1:210987654321:repository/team/*');
    expect(bootVariables(template('plain')).read('docker_config')).toBe('');
  },
  'profiles.EC2.registries.secretArn': () => {
    expect(boot.read('registry_secret')).toBe(secretArn);
    const reading = hostPolicy.Statement.filter(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    expect(reading).toMatchObject([{ Resource: secretArn }]);
  },
  'profiles.EC2.registries.mirror': () => expect(boot.read('registry_mirror')).toBe('https://mirror.example.com'),
  'profiles.EC2.docker.pullPolicies': () =>
    expect(boot.runner.docker).toMatchObject({ pull_policy: ['always', 'never'] }),
  'profiles.EC2.cache.prefix': () => {
    const bucket = expect.stringContaining('cachebucketname');
    expect(boot.runner.cache).toMatchObject({ Path: 'linux/arm64', Shared: true, s3: { BucketName: bucket } });
    const rights = hostPolicy.Statement.filter(
      ({ Action = '' }) => JSON.stringify(Action).includes('s3:') && !JSON.stringify(Action).includes('Delete'),
    );
    expect(JSON.stringify(rights)).toMatch(/"\/linux\/arm64\/\*".*"s3:prefix":"linux\/arm64\/\*"/);
    expect(bootVariables(template('plain')).runner).not.toHaveProperty('cache');
  },
  'profiles.EC2.cache.maxArchiveMiB': () =>
    expect(boot.runner.cache).toMatchObject({ MaxUploadedArchiveSize: 2_097_152 }),
  'profiles.EC2.runnerTokenSecretArn': () => {
    expect(jsonOf(lambda('registerrunner').RUNNER_TOKEN_SECRETS)).toEqual({ shared: tokenSecretArn });
    expect(lambda('launchinstances')).not.toHaveProperty('RUNNER_TOKEN_SECRETS');
  },
  'profiles.LAMBDA.runnerTokenSecretArn': () => {
    const [fault] = faultsOf({ profiles: { shell: { type: 'LAMBDA', runnerTokenSecretArn: tokenSecretArn } } });
    expect(fault).toMatch(/^profiles\.shell\.runnerTokenSecretArn: is "arn:.*not for functions/);
  },
  'profiles.EC2.timeoutMinutes': () => {
    expect(routing.big).toMatchObject({ timeoutMinutes: 240 });
    expect(boot.read('maximum_job_seconds')).toBe(String(240 * 60));
  },
  'profiles.EC2.hooks.boot': () => expect(boot.read('boot_hook')).toBe("modprobe overlay\necho 'ready'"),
  'profiles.EC2.hooks.preGetSources': () => expect(boot.runner).toMatchObject(pick('pre_get_sources_script')),
  'profiles.EC2.hooks.postGetSources': () => expect(boot.runner).toMatchObject(pick('post_get_sources_script')),
  'profiles.EC2.hooks.preBuild': () => expect(boot.runner.pre_build_script).toMatch(/^# git .*\necho '3'\ndate$/s),
  'profiles.EC2.hooks.postBuild': () => expect(boot.runner).toMatchObject(pick('post_build_script')),
};

function pick(key: keyof typeof scripts) {
  return { [key]: scripts[key] };
}

describe('a setting that is accepted has its effect:', () => {
  it('all settings of the schema are looked at here', () => {
    const known = new Set(settingsOf(deploymentSchema));
    expect(known.size).toBeGreaterThan(60);
    expect(Object.keys(effects).sort()).toEqual([...known].sort());
  });

  it.each(Object.entries(effects))('%s', (_setting, check) => {
    check();
  });
});

describe('what is not said has no trace', () => {
  it('of GitLab Runner’s settings in a function', () => {
    expect(plainLambdas.properties('Lambda::Function')).not.toHaveProperty('Environment');
    expect(readRunnerSettings(undefined)).toEqual({});
  });

  it('of rights and boundaries in a role', () => {
    const role = autoscaler.properties('IAM::Role', 'ProfilesplainRole');
    expect(role.PermissionsBoundary).toBe(rich.permissionsBoundaryArn);
    expect(role).not.toHaveProperty('ManagedPolicyArns');
    const { Statement } = autoscaler.properties('IAM::Policy', 'ProfilesplainRole').PolicyDocument as {
      Statement: Properties[];
    };
    expect(Statement.filter(({ Effect }) => Effect === 'Allow').map(({ Action }) => Action)).toEqual([
      'dynamodb:DeleteItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      // Of the deployment's own key, by way of the tickets' table.
      ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
    ]);
  });
});
