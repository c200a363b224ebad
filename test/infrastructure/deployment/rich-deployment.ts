import type { DeploymentInput } from '../../../infrastructure/deployment/deployment.ts';

/** What profiles of both types say. */
export const shared = {
  managedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'],
  policyStatements: [
    {
      effect: 'Deny' as const,
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: ['arn:aws:s3:::artifacts/*'],
      conditions: { StringNotEquals: { 'aws:RequestedRegion': ['eu-central-1'] } },
    },
  ],
  permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/boundary',
  environment: { LEVEL: 'rich', QUOTES: 'it\'s "fine"', PRICE: '$$5' },
  outputLimitKiB: 777,
  retryMisplaced: true,
  accessLevel: 'ref_protected' as const,
  runnerConfig: { feature_flags: { FF_SCRIPT_SECTIONS: true } },
};
const hooks = { preGetSources: 'echo 1', postGetSources: 'echo 2', preBuild: "echo '3'\ndate", postBuild: 'echo 4' };

/** Of the runner that a profile brings. */
export const tokenSecretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:ci-runner-AbCdEf';

/** Of an authority that was made for this test; its key is gone. */
export const caCertificates = `-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUTb08v0DGIOpq6ZXereKjp7w7Uu0wCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHY2ktcmljaDAgFw0yNjExMjExMTM0MTNaGA8yMTI2MTAyODEx
MzQxM1owEjEQMA4GA1UEAwwHY2ktcmljaDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABD4cM2VLLRT4cume8DOjCuKHQp1DzAGi6boKboMZLV1Q5zbWTRTX9g4erWAM
ejkvHssTkiFnQDmGAhQrJsj15RWjUzBRMB0GA1UdDgQWBBRL3HvxZiS8lrN9hFjI
cc1xB8fexjAfBgNVHSMEGDAWgBRL3HvxZiS8lrN9hFjIcc1xB8fexjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCvtB3RjAUT12m0WkUhtO3zn9aE
8DqfCaOkTJYhIJvE5QIhAIVjMqnapW0RBhMk2g0lq6wW6lw0hjuvd2aYhBgfHyGa
-----END CERTIFICATE-----
`;

/** A deployment that says everything that can be said together. */
export const rich: DeploymentInput = {
  name: 'ci-rich',
  account: '123456789012',
  region: 'eu-central-1',
  gitlab: {
    url: 'https://gitlab.example.com',
    cloneUrl: 'https://git.example.com',
    caCertificates,
    webhook: { signatureOnly: true, allowedNetworks: ['gitlab.com', '192.0.2.0/24'] },
  },
  network: { availabilityZones: 3, natGateways: 2, cidr: '10.9.0.0/18', flowLogs: true },
  allowedProjects: ['group/**', 'other/project'],
  defaultRunner: { type: 'EC2', profile: 'big' },
  maxConcurrent: 77,
  exact: 'always',
  maxAttempts: 5,
  reconciler: { patience: 2.5 },
  workflowHistory: 'all',
  alarmTopicArn: 'arn:aws:sns:eu-central-1:123456789012:on-call',
  resourceTags: { team: 'builders' },
  permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/of-all-roles',
  rolePath: '/ci/runners/',
  kmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/87654321-4321-4321-4321-210987654321',
  logRetentionDays: 90,
  ami: {
    rebuild: 'never',
    keep: 7,
    onDestroy: 'delete',
    sizeGiB: 12,
    kmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012',
    instanceTypes: { x86_64: ['c6a.large'], arm64: ['c8g.large'] },
    subnetId: 'subnet-0123456789abcdef1',
    securityGroupIds: ['sg-0123456789abcdef1'],
    components: { certificates: { build: 'update-ca-trust', test: 'trust list' } },
    componentArns: ['arn:aws:imagebuilder:eu-central-1:aws:component/python-3-linux/x.x.x'],
  },
  profiles: {
    big: {
      type: 'EC2',
      extends: 'base',
      ...shared,
      maxConcurrent: 11,
      tags: ['big', 'docker'],
      resourceTags: { size: 'big' },
      architecture: 'arm64',
      instanceTypes: ['c7g.large', 'c8g.large'],
      maxPriceUsd: 0.25,
      retryInterrupted: 'onDemand',
      volume: { iops: 4_000, throughputMiBps: 500, deviceName: '/dev/sda1' },
      imageParameter: '/images/mine',
      subnetIds: ['subnet-a', 'subnet-b'],
      securityGroupIds: ['sg-0123456789abcdef0'],
      executor: 'docker',
      docker: {
        image: 'debian:13',
        privileged: true,
        hostSocket: true,
        buildsDir: '/srv/builds',
        cacheDir: '/srv/cache',
        shell: 'bash',
        volumes: ['/cache', '/data'],
        pullPolicies: ['always', 'never'],
        services: [{ name: 'docker:28-dind', alias: 'docker', command: ['--mtu=1400'] }],
        capAdd: ['SYS_PTRACE'],
        shmSizeMiB: 256,
      },
      registries: {
        ecr: ['210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/*'],
        secretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:registries-AbCdEf',
        mirror: 'https://mirror.example.com',
      },
      cache: { prefix: 'linux/arm64', maxArchiveMiB: 2 },
      timeoutMinutes: 240,
      hooks: { ...hooks, boot: "modprobe overlay\necho 'ready'" },
    },
    base: { type: 'EC2', executor: 'shell', volume: { sizeGiB: 55 }, onDemand: 'never' },
    plain: { type: 'EC2', extends: 'base' },
    open: {
      type: 'EC2',
      extends: 'base',
      ssh: { keyName: 'oncall', cidrs: ['192.0.2.0/24', '198.51.100.7/32'] },
      sessionManager: true,
    },
    shared: { type: 'EC2', runnerTokenSecretArn: tokenSecretArn },
    shell: {
      type: 'LAMBDA',
      extends: 'smallest',
      ...shared,
      maxConcurrent: 12,
      tags: ['shell'],
      resourceTags: { size: 'small' },
      ephemeralStorageMiB: 3_000,
      architecture: 'x86_64',
      timeoutMinutes: 10,
      packaging: 'zip',
      hooks,
    },
    smallest: { type: 'LAMBDA', memoryMiB: 512 },
    small: {
      type: 'LAMBDA',
      memoryMiB: 512,
      imageFolder: 'lambda-shell-runner/example-image',
      jobRoleArn: 'arn:aws:iam::123456789012:role/deployer',
      isolateProjects: true,
    },
  },
};
