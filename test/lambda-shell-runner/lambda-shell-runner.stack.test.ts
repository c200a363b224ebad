import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { App, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DeploymentInput, defineDeployment } from '../../infrastructure/deployment/deployment.ts';
import { jobEventSource } from '../../infrastructure/kit/job-event-types.ts';
import { lambdaRunnerParameters } from '../../lambda-shell-runner/exports.ts';
import { LambdaShellRunnerStack } from '../../lambda-shell-runner/lambda-shell-runner.stack.ts';

type Profiles = NonNullable<DeploymentInput['profiles']>;

const env = { account: '000000000000', region: 'eu-west-1' };

function stackOf(profiles: Profiles, app = new App()): LambdaShellRunnerStack {
  const deployment = defineDeployment({ name: 'ci', profiles });
  return new LambdaShellRunnerStack(app, 'LambdaShellRunner', { env, deployment });
}

const templateOf = (profiles: Profiles) => Template.fromStack(stackOf(profiles));

const image: Profiles = { shell: { type: 'LAMBDA' } };
const zip: Profiles = { shell: { type: 'LAMBDA', packaging: 'zip' } };

type Statement = { Action: string | string[]; Resource: unknown; Condition?: unknown };

function statementsIn(template: Template): Statement[] {
  return Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement as Statement[],
  );
}

const eventBusArn = 'arn:aws:events:eu-west-1:000000000000:event-bus/ci-job-events';

/** What IAM would say to the function's role, for one call. */
async function decide(action: string, resource: string, contextVariables: Record<string, string | string[]>) {
  const text = JSON.stringify(statementsIn(templateOf(image)))
    .replaceAll(/\{"Ref":"SsmParameter[^"]*"\}/g, JSON.stringify(eventBusArn))
    .replaceAll(/\{"Fn::GetAtt":[^}]*\}/g, JSON.stringify('arn:aws:logs:eu-west-1:000000000000:log-group:runner:*'));
  const result = await runSimulation(
    {
      request: {
        principal: 'arn:aws:iam::000000000000:role/runner',
        action,
        resource: { resource, accountId: env.account },
        contextVariables,
      },
      identityPolicies: [{ name: 'role', policy: { Version: '2012-10-17', Statement: JSON.parse(text) } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors));
  return result.overallResult;
}

describe('the function of a LAMBDA profile', () => {
  it('is as large and as long as the profile says', () => {
    const template = templateOf({
      big: {
        type: 'LAMBDA',
        memoryMiB: 4_096,
        ephemeralStorageMiB: 8_192,
        timeoutMinutes: 10,
        architecture: 'x86_64',
      },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      MemorySize: 4_096,
      EphemeralStorage: { Size: 8_192 },
      Timeout: 12 * 60,
      Architectures: ['x86_64'],
    });
  });

  it('reserves no concurrency, also when the profile is limited: a small account could not be deployed to', () => {
    templateOf({ small: { type: 'LAMBDA', maxConcurrent: 5 } }).hasResourceProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  it('never lasts longer than Lambda allows', () => {
    templateOf({ long: { type: 'LAMBDA', timeoutMinutes: 13 } }).hasResourceProperties('AWS::Lambda::Function', {
      Timeout: 900,
    });
  });

  it('is a container image by default, and a bundle when the profile wants that', () => {
    templateOf(image).hasResourceProperties('AWS::Lambda::Function', {
      PackageType: 'Image',
      Architectures: ['arm64'],
      Runtime: Match.absent(),
    });
    templateOf(zip).hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      PackageType: Match.absent(),
    });
  });

  it('is never tried again by Lambda, which reports failures on the deployment’s bus instead', () => {
    const template = templateOf(image);
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 300,
      DestinationConfig: { OnFailure: { Destination: { Ref: Match.stringLikeRegexp('ciinfrastructureeventbusarn') } } },
    });
    template.hasParameter('*', {
      Type: 'AWS::SSM::Parameter::Value<String>',
      Default: '/ci/infrastructure/event-bus-arn',
    });
  });

  it('never shares an execution environment between projects when the profile asks for that', () => {
    templateOf({ alone: { type: 'LAMBDA', isolateProjects: true } }).hasResourceProperties('AWS::Lambda::Function', {
      TenancyConfig: { TenantIsolationMode: 'PER_TENANT' },
    });
    templateOf(image).hasResourceProperties('AWS::Lambda::Function', { TenancyConfig: Match.absent() });
  });

  it('logs into a group of its own that does not stay for ever', () => {
    const template = templateOf(image);
    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
    template.hasResourceProperties('AWS::Lambda::Function', {
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: Match.stringLikeRegexp('Logs') } },
    });
  });
});

describe('the role of the function', () => {
  it('may write its log and report failures, and nothing else', () => {
    const statements = statementsIn(templateOf(image));
    expect(statements.flatMap(({ Action }) => [Action].flat()).sort()).toEqual([
      'events:PutEvents',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
    expect(statements.some(({ Resource }) => Resource === '*')).toBe(false);
  });

  it.each([
    ['report a failure of the function', [eventBusArn], ['lambda'], 'Allowed'],
    ['forge a job event', [eventBusArn], [jobEventSource], 'ImplicitlyDenied'],
    ['hide a forged job event among others', [eventBusArn], ['lambda', jobEventSource], 'ImplicitlyDenied'],
    ['report to another bus', [`${eventBusArn}-of-others`], ['lambda'], 'ImplicitlyDenied'],
  ])('decides whether it may %s', async (_what, [resource = ''], sources, decision) => {
    expect(await decide('events:PutEvents', resource, { 'events:source': sources })).toBe(decision);
  });

  it('has no policies of its profile: those are the job’s', () => {
    const template = templateOf({ shell: { type: 'LAMBDA', managedPolicyArns: [artifactsPolicyArn] } });
    const withPolicies = template.findResources('AWS::IAM::Role', {
      Properties: { ManagedPolicyArns: [artifactsPolicyArn] },
    });
    expect(Object.keys(withPolicies)).toEqual([expect.stringMatching(/JobRole/)]);
  });
});

const artifactsPolicyArn = 'arn:aws:iam::000000000000:policy/jobs-may-read-the-artifacts';

describe('the role of the jobs', () => {
  const assume = ['sts:AssumeRole', 'sts:TagSession'];
  const mayAssume = (template: Template) =>
    statementsIn(template).filter(({ Action }) => [Action].flat().some((action) => action.startsWith('sts:')));

  it('is not there when the profile gives them no rights', () => {
    const template = templateOf(image);
    template.resourceCountIs('AWS::IAM::Role', 1);
    expect(mayAssume(template)).toEqual([]);
  });

  it('has the profile’s policies, and only the function may assume it', () => {
    const statement = { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::artifacts/*'] };
    const template = templateOf({
      shell: { type: 'LAMBDA', managedPolicyArns: [artifactsPolicyArn], policyStatements: [statement] },
    });
    template.hasResourceProperties('AWS::IAM::Role', {
      ManagedPolicyArns: [artifactsPolicyArn],
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: assume,
            Effect: 'Allow',
            Condition: { ArnEquals: { 'aws:PrincipalArn': { 'Fn::GetAtt': [Match.stringLikeRegexp('Role'), 'Arn'] } } },
          },
        ],
      },
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [{ Action: 's3:GetObject' }] },
      Roles: [{ Ref: Match.stringLikeRegexp('JobRole') }],
    });
    expect(mayAssume(template)).toMatchObject([
      { Action: assume, Resource: { 'Fn::GetAtt': [expect.stringMatching(/JobRole/), 'Arn'] } },
    ]);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: { JOB_ROLE_ARN: { 'Fn::GetAtt': [Match.stringLikeRegexp('JobRole'), 'Arn'] } },
      },
    });
  });

  it('can be one that exists', () => {
    const jobRoleArn = 'arn:aws:iam::000000000000:role/deployer';
    const template = templateOf({ shell: { type: 'LAMBDA', jobRoleArn } });
    template.resourceCountIs('AWS::IAM::Role', 1);
    expect(mayAssume(template)).toMatchObject([{ Action: assume, Resource: jobRoleArn }]);
  });
});

describe('the stack', () => {
  it('has one function for each LAMBDA profile, and tells the autoscaler where they are', () => {
    const template = templateOf({
      default: { type: 'EC2' },
      small: { type: 'LAMBDA', memoryMiB: 512 },
      'big-one': { type: 'LAMBDA', memoryMiB: 8_192 },
    });
    template.resourceCountIs('AWS::Lambda::Function', 2);
    for (const profile of ['small', 'big-one']) {
      const { functionArn, roleArn } = lambdaRunnerParameters('ci', profile);
      template.hasResourceProperties('AWS::SSM::Parameter', { Name: functionArn });
      template.hasResourceProperties('AWS::SSM::Parameter', { Name: roleArn });
    }
    template.resourceCountIs('AWS::SSM::Parameter', 4);
  });

  it('can be deployed for a deployment without LAMBDA profiles', () => {
    const template = templateOf({ default: { type: 'EC2' } });
    template.resourceCountIs('AWS::Lambda::Function', 0);
    expect(Object.keys(template.toJSON().Resources)).toHaveLength(1);
  });

  it.each([
    ['image', image],
    ['zip', zip],
  ])('passes the AWS Solutions checks (%s)', (_packaging, profiles) => {
    const app = new App();
    stackOf(profiles, app);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
  });
});

describe('the image', () => {
  function synthesize(profiles: Profiles) {
    const app = new App();
    stackOf(profiles, app);
    const { directory } = app.synth();
    const manifest = JSON.parse(readFileSync(join(directory, 'LambdaShellRunner.assets.json'), 'utf8')) as {
      dockerImages: Record<string, { source: { directory: string; dockerBuildArgs: object; platform: string } }>;
    };
    return { directory, images: Object.values(manifest.dockerImages).map(({ source }) => source) };
  }

  it('is built from the Dockerfile and the function’s bundle, for the architecture of the profile', () => {
    const { directory, images } = synthesize(image);
    expect(images).toHaveLength(1);
    const context = join(directory, images[0]?.directory ?? '');
    expect(readdirSync(context).sort()).toEqual([
      'Dockerfile',
      'check-runner-configs.sh',
      'function.toml',
      'index.mjs',
      'install-aws-cli.sh',
      'install-gitlab-runner.sh',
    ]);
    expect(images[0]).toMatchObject({
      platform: 'linux/arm64',
      dockerBuildArgs: { binary_architecture: 'arm64', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
    });
  });

  it('can be read by Lambda’s user, whatever the umask where it is built', () => {
    const file = join(import.meta.dirname, '../../lambda-shell-runner/image/install-aws-cli.sh');
    const { mode } = statSync(file);
    onTestFinished(() => chmodSync(file, mode));
    // As `git clone` leaves it under `umask 077`, and a build its bundle.
    chmodSync(file, 0o600);
    const { directory, images } = synthesize(image);
    const context = join(directory, images[0]?.directory ?? '');
    for (const name of readdirSync(context)) expect(statSync(join(context, name)).mode & 0o777, name).toBe(0o644);
  });

  it('gets our code last, so that a change of it leaves the large layers as they are', () => {
    const { directory, images } = synthesize(image);
    const dockerfile = readFileSync(join(directory, images[0]?.directory ?? '', 'Dockerfile'), 'utf8');
    const after = dockerfile.slice(dockerfile.indexOf('COPY index.mjs')).trim().split('\n');
    expect(after).toHaveLength(2);
    expect(after[1]).toBe('CMD ["index.handler"]');
  });

  it('is one for all profiles of an architecture', () => {
    const profiles: Profiles = {
      small: { type: 'LAMBDA' },
      big: { type: 'LAMBDA', memoryMiB: 8_192 },
      intel: { type: 'LAMBDA', architecture: 'x86_64' },
    };
    expect(
      synthesize(profiles)
        .images.map(({ platform }) => platform)
        .sort(),
    ).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it('says everything that the installation of gitlab-runner asks for', () => {
    const { directory, images } = synthesize(image);
    const context = join(directory, images[0]?.directory ?? '');
    const dockerfile = readFileSync(join(context, 'Dockerfile'), 'utf8');
    const script = readFileSync(join(context, 'install-gitlab-runner.sh'), 'utf8');
    const asked = [...script.matchAll(/"\$\{(\w+):?\?\}"/g)].map(([, name = '']) => name);
    // The AWS CLI's stage asks for the architecture as well.
    const args = [...new Set([...dockerfile.matchAll(/^ARG (\w+)$/gm)].map(([, name = '']) => name))];
    const onTheLine = [...dockerfile.matchAll(/(\w+)=\S+(?= .*bash \/opt\/install)/g)].map(([, name = '']) => name);
    expect([...args, ...onTheLine].sort()).toEqual(asked.sort());
    expect(Object.keys(images[0]?.dockerBuildArgs ?? {}).sort()).toEqual(args.sort());
  });

  it('has the tools of a profile’s own folder, beside those of other profiles', () => {
    const { directory, images } = synthesize({
      shell: { type: 'LAMBDA' },
      tools: { type: 'LAMBDA', imageFolder: 'lambda-shell-runner/example-image' },
    });
    expect(images).toHaveLength(2);
    const files = images.map((source) => readdirSync(join(directory, source.directory)));
    const withTools = files.findIndex((names) => names.includes('wait-for-url.sh'));
    const dockerfile = readFileSync(join(directory, images[withTools]?.directory ?? '', 'Dockerfile'), 'utf8');
    expect(files[withTools]).toHaveLength(7);
    expect(files[1 - withTools]).toHaveLength(6);
    expect(dockerfile.match(/^FROM .*lambda-shell-runner$/gm)).toEqual([
      `FROM \${BASE} AS lambda-shell-runner`,
      'FROM lambda-shell-runner',
    ]);
  });

  it.each([
    ['no Dockerfile', 'test', /Dockerfile does not exist; imageFolder is a folder/],
    ['files of the names of ours', 'lambda-shell-runner/image', /has the name of a file of our image/],
  ])('is refused for a folder with %s', (_what, imageFolder, message) => {
    expect(() => synthesize({ tools: { type: 'LAMBDA', imageFolder } })).toThrow(message);
  });

  it('copies nothing that is not in its context', () => {
    const { directory, images } = synthesize(image);
    const context = join(directory, images[0]?.directory ?? '');
    const copied = [...readFileSync(join(context, 'Dockerfile'), 'utf8').matchAll(/^COPY (?!--from)(\S+) /gm)];
    expect(copied.map(([, name]) => name).sort()).toEqual([
      'check-runner-configs.sh',
      'function.toml',
      'index.mjs',
      'install-aws-cli.sh',
      'install-gitlab-runner.sh',
    ]);
    for (const [, name = ''] of copied) expect(existsSync(join(context, name))).toBe(true);
  });
});
