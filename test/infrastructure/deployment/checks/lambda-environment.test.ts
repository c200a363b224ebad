import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { AutoscalerStack } from '../../../../autoscaler/autoscaler.stack.ts';
import {
  environmentBytesOf,
  environmentFaults,
  expectedVariablesOf,
  mostEnvironmentBytes,
} from '../../../../infrastructure/deployment/checks/lambda-environment.ts';
import { type DeploymentInput, defineDeployment } from '../../../../infrastructure/deployment/deployment.ts';
import { trustVariables } from '../../../../infrastructure/gitlab/gitlab-trust.ts';
import { faultsOf } from '../inputs.ts';

const profilesOf = (count: number, type: 'EC2' | 'LAMBDA') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`profile-${index}`, { type }]));

/**
 * What the functions of a deployed autoscaler would find in their environment, with names as long as AWS makes them.
 */
function deployedEnvironments(input: DeploymentInput): Record<string, string>[] {
  const deployment = defineDeployment(input);
  const stackName = `${deployment.name}-autoscaler`;
  const template = Template.fromStack(new AutoscalerStack(new App(), 'Autoscaler', { stackName, deployment }));
  const { Parameters } = template.toJSON() as { Parameters: Record<string, { Default?: string }> };
  const nameOf = (id: string) => `${stackName}-${id}-ABCDEFGHIJKL`;
  const deployedAs = (value: unknown): string => {
    if (typeof value === 'string') return value;
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, never>;
    if (join) return (join[1] as unknown[]).map(deployedAs).join('');
    if (attribute && String(attribute[1]) === 'RoleId') return 'AROA0123456789ABCDEFG';
    if (attribute) return String(attribute[1]) === 'LatestVersionNumber' ? '123' : nameOf(attribute[0]);
    const parameter = Parameters[String(Ref)]?.Default ?? '';
    if (parameter.endsWith('/function-arn')) {
      return `arn:aws:lambda:eu-west-1:123456789012:function:${`${deployment.name}-lambda-shell-runner-`.padEnd(64, 'F')}`;
    }
    if (parameter.endsWith('secret-arn')) {
      return `arn:aws:secretsmanager:eu-west-1:123456789012:secret:SecretsGitLabToken0A1B2C3D-abcdefghijkl-ABCDEF`;
    }
    if (parameter.endsWith('event-bus-arn')) {
      return `arn:aws:events:eu-west-1:123456789012:event-bus/${deployment.name}-infrastructure-job-events`;
    }
    if (parameter.endsWith('subnet-ids')) return 'subnet-0123456789abcdef0,subnet-0123456789abcdef1';
    if (String(Ref).includes('LaunchTemplate')) return 'lt-0123456789abcdef0';
    if (String(Ref).includes('LaunchQueue'))
      return `https://sqs.eu-west-1.amazonaws.com/123456789012/${nameOf(String(Ref))}`;
    return nameOf(String(Ref));
  };
  return Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) =>
    Object.fromEntries(
      Object.entries(Properties.Environment.Variables as Record<string, unknown>).map(([key, value]) => [
        key,
        deployedAs(value),
      ]),
    ),
  );
}

describe('Lambda’s limit for environments', () => {
  it('counts the quotes of JSON inside twice, as Lambda does', () => {
    expect(environmentBytesOf({ A: '{"b":1}' })).toBe('{"A":"{\\"b\\":1}"}'.length);
    expect(environmentBytesOf({ A: 'ä' })).toBe(10);
  });

  it.each([
    [
      'EC2',
      'launches instances',
      'use fewer EC2 profiles, instanceTypes, subnetIds or resourceTags, or make a second deployment',
    ],
    [
      'LAMBDA',
      'looks for waiting jobs',
      'use fewer profiles, shorter names and tags, groups \\(group/\\*\\*\\) as allowedProjects, or make a second deployment',
    ],
  ] as const)('refuses more profiles of type %s than fit, with the size and what to do', (type, whose, remedy) => {
    expect(faultsOf({ profiles: profilesOf(8, type) })).toEqual([]);
    const faults = faultsOf({ profiles: profilesOf(30, type) });
    expect(faults[0]).toMatch(
      new RegExp(
        `^profiles: are too many for the environment of the function that ${whose}: \\d{4} bytes, and Lambda gives 4096; ${remedy}$`,
      ),
    );
  });

  it('counts the subnets of profiles and network, and GitLab’s address', () => {
    const { profiles } = defineDeployment({ profiles: profilesOf(8, 'EC2') });
    const others = { gitlabUrl: '', subnetIds: [] };
    expect(environmentFaults(profiles, others)).toEqual([]);
    const subnetIds = Array.from({ length: 100 }, (_, index) => `subnet-${String(index).padStart(17, '0')}`);
    expect(environmentFaults(profiles, { ...others, subnetIds })).toHaveLength(1);
    expect(environmentFaults(profiles, { ...others, gitlabUrl: `https://${'x'.repeat(4_000)}` })).toHaveLength(1);
    const placed = profilesOf(8, 'EC2') as Record<string, object>;
    for (const profile of Object.values(placed))
      Object.assign(profile, { subnetIds: subnetIds.slice(0, 9), securityGroupIds: ['sg-1'] });
    expect(faultsOf({ profiles: placed })).toEqual([expect.stringContaining('launches instances')]);
  });

  it('counts the tags of profiles, and the allowed projects', () => {
    const tags = Array.from({ length: 13 }, (_, index) => `${index}-`.padEnd(200, 'x'));
    const tagged = { big: { type: 'EC2' as const, tags } };
    expect(faultsOf({ profiles: tagged })).toEqual([]);
    const tooMany = expect.stringContaining('the function that looks for waiting jobs: 4');
    expect(
      faultsOf({ profiles: { big: { type: 'EC2' as const, tags: [...tags, 'x'.repeat(255), 'y'.repeat(255)] } } }),
    ).toEqual([tooMany]);
    const allowedProjects = Array.from({ length: 10 }, (_, index) => `group-${index}/${'p'.repeat(30)}`);
    expect(faultsOf({ profiles: tagged, allowedProjects })).toEqual([tooMany]);
  });

  it('counts the variable by which functions trust certificates of the deployment’s own', () => {
    const { profiles } = defineDeployment({ profiles: profilesOf(1, 'EC2') });
    const faults = (length: number, trustsCaCertificates: boolean) =>
      environmentFaults(profiles, { gitlabUrl: 'x'.repeat(length), trustsCaCertificates, subnetIds: [] });
    let longest = 0;
    while (faults(longest + 1, false).length === 0) longest += 1;
    const bytes = environmentBytesOf(trustVariables) - '{'.length;
    expect(faults(longest - bytes, true)).toEqual([]);
    expect(faults(longest - bytes + 1, true)).toHaveLength(1);
  });

  it('counts what a function is told of the way to GitLab among what its profile tells it', () => {
    const fitting = { type: 'LAMBDA' as const, environment: { LONG: 'x'.repeat(3_500) } };
    const cloneUrl = `https://git.example.com/${'x'.repeat(200)}`;
    expect(faultsOf({ profiles: { shell: fitting } })).toEqual([]);
    expect(faultsOf({ gitlab: { cloneUrl }, profiles: { shell: fitting } })).toEqual([
      expect.stringMatching(/^profiles\.shell: .* make \d{4} bytes of the function's environment/),
    ]);
  });

  it('expects no less than a deployment really has, whose names are as long as they get', () => {
    const name = 'd'.repeat(32);
    const input: DeploymentInput = {
      name,
      gitlab: { url: 'https://gitlab.example.com' },
      maxConcurrent: 1_000,
      defaultRunner: { type: 'EC2', profile: 'profile-0' },
      profiles: {
        ...profilesOf(8, 'EC2'),
        a: { type: 'LAMBDA', maxConcurrent: 100, tags: ['shell'] },
        b: { type: 'LAMBDA' },
      },
    };
    const { profiles } = defineDeployment(input);
    const expected = expectedVariablesOf(profiles);
    const real = deployedEnvironments(input);
    for (const variable of ['PROFILES', 'LAUNCH_PROFILES'] as const) {
      const environment = real.find((one) => one[variable] !== undefined);
      const text = environment?.[variable] ?? '';
      expect(Object.keys(JSON.parse(text)).sort()).toEqual(Object.keys(JSON.parse(expected[variable])).sort());
      expect(text.length).toBeLessThanOrEqual(expected[variable].length);
      expect(text.length).toBeGreaterThan(expected[variable].length * 0.9);
    }
  });

  it.each(['EC2', 'LAMBDA'] as const)(
    'lets through as many profiles of type %s as surely fit, and not far fewer',
    (type) => {
      const input = (count: number) => ({
        name: 'd'.repeat(32),
        maxConcurrent: 1_000,
        defaultRunner: { type, profile: 'profile-0' },
        profiles: profilesOf(count, type),
      });
      let count = 1;
      while (faultsOf(input(count + 1)).length === 0) count += 1;
      const largest = Math.max(...deployedEnvironments(input(count)).map(environmentBytesOf));
      expect(largest).toBeLessThanOrEqual(mostEnvironmentBytes);
      expect(largest).toBeGreaterThan(mostEnvironmentBytes * 0.8);
    },
  );
});
