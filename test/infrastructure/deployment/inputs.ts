import fc from 'fast-check';
import { expect } from 'vitest';
import {
  type DeploymentInput,
  defineDeployment,
  defineDeployments,
} from '../../../infrastructure/deployment/deployment.ts';

/** The faults that a configuration is refused for, each as `path: message`. */
export function faultsOf(input: unknown): string[] {
  return faultsThrownBy(() => defineDeployment(input as DeploymentInput));
}

/** The same for all deployments of a file. */
export function faultsOfFile(inputs: readonly unknown[]): string[] {
  return faultsThrownBy(() => defineDeployments(inputs as DeploymentInput[]));
}

function faultsThrownBy(define: () => unknown): string[] {
  try {
    define();
    return [];
  } catch (error) {
    expect(error).toMatchObject({ name: 'DeploymentConfigError' });
    return (error as Error).message.split('\n  - ').slice(1);
  }
}

/** The faults of a deployment with this profile alone; their paths begin inside of it. */
export function faultsOfProfile(profile: object, deployment: object = {}): string[] {
  const prefix = /^profiles\.default(\.|(?=:))/;
  return faultsOf({ ...deployment, profiles: { default: { type: 'EC2', ...profile }, shell: { type: 'LAMBDA' } } }).map(
    (fault) => fault.replace(prefix, ''),
  );
}

const some = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
/** A dollar sign is written twice, as in `.gitlab-ci.yml`. */
const value = fc.string({ maxLength: 20 }).map((text) => text.replaceAll('$', '$$$$'));
const texts = fc.dictionary(word, value, { maxKeys: 3 });
const resourceTags = fc.dictionary(word, word, { maxKeys: 3 });
const ids = (prefix: string) =>
  fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((all) => all.map((id) => `${prefix}-${id}`));

const shared = {
  maxConcurrent: fc.integer({ min: 1, max: 500 }),
  managedPolicyArns: fc
    .uniqueArray(word, { maxLength: 3 })
    .map((names) => names.map((name) => `arn:aws:iam::aws:policy/${name}`)),
  policyStatements: fc.array(
    fc.record(
      {
        effect: fc.constantFrom('Allow' as const, 'Deny' as const),
        actions: fc.constant(['s3:GetObject']),
        resources: fc.constant(['*']),
        conditions: fc.constant({ StringEquals: { 'aws:RequestedRegion': ['eu-west-1'] } }),
      },
      { requiredKeys: ['actions', 'resources'] },
    ),
    { maxLength: 2 },
  ),
  permissionsBoundaryArn: fc.constant('arn:aws:iam::123456789012:policy/boundary'),
  environment: texts,
  outputLimitKiB: fc.integer({ min: 1, max: 100_000 }),
  runnerConfig: fc.constantFrom({}, { feature_flags: { FF_SCRIPT_SECTIONS: true } }, { get_sources_timeout: '5m' }),
  resourceTags,
};
const jobHooks = { preGetSources: fc.constant('date'), postBuild: fc.constant('date') };

const lambdaProfile = fc
  .tuple(
    some({
      ...shared,
      memoryMiB: fc.integer({ min: 128, max: 10_240 }),
      ephemeralStorageMiB: fc.integer({ min: 512, max: 10_240 }),
      architecture: fc.constantFrom('x86_64' as const, 'arm64' as const),
      timeoutMinutes: fc.integer({ min: 10, max: 13 }),
      packaging: fc.constantFrom('zip' as const, 'image' as const),
      isolateProjects: fc.boolean(),
      hooks: some(jobHooks),
    }),
  )
  .map(([profile]) => ({ type: 'LAMBDA' as const, ...profile }));

const market = fc.oneof(
  some({
    onDemand: fc.constantFrom('never' as const, 'fallback' as const),
    maxPriceUsd: fc.double({ min: 0.01, max: 9, noNaN: true }),
  }),
  fc.constant({ onDemand: 'always' as const }),
);
const executor = fc.oneof(
  fc.constant({ executor: 'shell' as const }),
  some({
    executor: fc.constant('docker' as const),
    docker: some({
      image: word,
      privileged: fc.boolean(),
      volumes: fc.constantFrom(['/cache'], ['/certs/client', '/cache']),
      pullPolicies: fc.constantFrom(['always' as const], ['always' as const, 'never' as const]),
    }),
  }),
);
const placement = fc.oneof(fc.constant({}), fc.record({ subnetIds: ids('subnet'), securityGroupIds: ids('sg') }));
const ec2Profile = fc
  .tuple(
    some({
      ...shared,
      volume: some({
        sizeGiB: fc.integer({ min: 30, max: 1_000 }),
        iops: fc.integer({ min: 3_000, max: 15_000 }),
        throughputMiBps: fc.integer({ min: 125, max: 750 }),
        deviceName: fc.constant('/dev/sda1'),
      }),
      imageParameter: word.map((name) => `/${name}`),
      cache: some({ prefix: word }),
      timeoutMinutes: fc.integer({ min: 10, max: 10_000 }),
      hooks: some({ boot: fc.constantFrom('modprobe overlay', 'modprobe overlay\r\ndate\r\n'), ...jobHooks }),
    }),
    market,
    executor,
    placement,
  )
  .map(([profile, ...parts]) => Object.assign({ type: 'EC2' as const }, profile, ...parts));

const names = ['default', 'large', 'small'] as const;

/** Whatever a user may say that is fine: profiles of both types, some of which extend others. */
export const anyDeployment: fc.Arbitrary<DeploymentInput> = fc
  .record({
    fields: some({
      name: fc.stringMatching(/^[b-r][a-z0-9]{0,9}(-[a-z0-9]{1,9})?$/),
      region: fc.constantFrom('eu-west-1', 'us-gov-west-1'),
      account: fc.constant('123456789012'),
      gitlab: fc.constantFrom({ url: 'https://gitlab.example.com/gitlab' }, { url: ' HTTPS://GitLab.example.com/ ' }),
      network: fc.oneof(
        some({
          availabilityZones: fc.integer({ min: 1, max: 6 }),
          natGateways: fc.integer({ min: 0, max: 6 }),
          cidr: fc.constant('10.8.0.0/20'),
        }),
        fc.record(
          { vpcId: fc.constant('vpc-1'), subnetIds: ids('subnet'), securityGroupIds: ids('sg') },
          { requiredKeys: ['vpcId', 'subnetIds'] },
        ),
      ),
      allowedProjects: fc.constantFrom<string[]>([], ['group/**', 'other/project']),
      maxConcurrent: fc.integer({ min: 1, max: 900 }),
      ami: some({
        rebuild: fc.constantFrom('weekly' as const, 'never' as const),
        keep: fc.integer({ min: 1, max: 100 }),
        onDestroy: fc.constantFrom('keep' as const, 'delete' as const),
        sizeGiB: fc.integer({ min: 8, max: 30 }),
        instanceTypes: some({
          x86_64: fc.constant<string[]>(['m7a.large']),
          arm64: fc.constant<string[]>(['m8g.large']),
        }),
        components: fc.dictionary(word, fc.record({ build: word }), { maxKeys: 2 }),
      }),
      exact: fc.constantFrom('always' as const, 'off' as const, 1, 86_400),
      maxAttempts: fc.integer({ min: 1, max: 10 }),
      reconciler: some({ patience: fc.integer({ min: 1, max: 10 }) }),
      resourceTags,
    }),
    hosts: fc.array(ec2Profile, { minLength: 1, maxLength: 3 }),
    function: lambdaProfile,
    extending: fc.boolean(),
    defaultRunner: fc.constantFrom(
      {},
      { defaultRunner: { type: 'EC2' as const } },
      { defaultRunner: { type: 'LAMBDA' as const, profile: 'shell' } },
    ),
  })
  .map(({ fields, hosts, extending, defaultRunner, ...others }) => ({
    ...fields,
    ...defaultRunner,
    profiles: {
      ...Object.fromEntries(hosts.map((profile, index) => [names[index], profile])),
      shell: others.function,
      ...(extending
        ? {
            derived: { type: 'LAMBDA' as const, extends: 'shell', tags: ['derived'], resourceTags: { derived: 'yes' } },
          }
        : {}),
    },
  }));
