import type { GitLabConnection } from '../../gitlab/gitlab-trust.ts';
import type { Fault } from '../faults.ts';
import { longestStatementsCharacters } from '../iam.ts';
import { nearestOf } from '../nearest-name.ts';
import type { ExistingNetwork, OwnNetwork } from '../network.ts';
import type { Ec2Profile } from '../profiles/ec2-profile.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';
import { runnerTextFaults } from './lambda-environment.ts';
import { runnerConfigFaults } from './runner-config.ts';
import { runnerTokenFaults } from './runner-tokens.ts';

type Profile = Ec2Profile | LambdaProfile;

/** What is wrong between the settings of one profile, each of which is fine alone. */
export function profileFaults(
  profile: Profile,
  network: OwnNetwork | ExistingNetwork | undefined,
  gitlab?: GitLabConnection,
): Fault[] {
  return [
    ...(profile.type === 'EC2' ? ec2Faults(profile, network) : lambdaFaults(profile)),
    ...statementFaults(profile),
    ...runnerConfigFaults(profile),
    ...runnerTextFaults(profile, gitlab),
    ...runnerTokenFaults(profile),
  ];
}

function lambdaFaults({
  packaging,
  imageFolder,
  jobRoleArn,
  managedPolicyArns,
  policyStatements,
}: LambdaProfile): Fault[] {
  const faults: Fault[] = [];
  if (packaging === 'zip' && imageFolder !== undefined) {
    faults.push({ path: ['imageFolder'], message: 'has no effect with the packaging "zip"; remove one of them' });
  }
  if (jobRoleArn !== undefined && managedPolicyArns.length + policyStatements.length > 0) {
    const message =
      'names a role that exists, so that managedPolicyArns and policyStatements would have no effect; remove them, or this';
    faults.push({ path: ['jobRoleArn'], message });
  }
  return faults;
}

function ec2Faults(profile: Ec2Profile, network: OwnNetwork | ExistingNetwork | undefined): Fault[] {
  const { executor, docker, onDemand, maxPriceUsd, subnetIds, securityGroupIds, architecture, ssh } = profile;
  const faults: Fault[] = [];
  if (executor !== 'docker' && docker) {
    faults.push({ path: ['docker'], message: `has no effect with the executor "${executor}"; remove it` });
  }
  if (onDemand === 'always' && maxPriceUsd !== undefined) {
    faults.push({
      path: ['maxPriceUsd'],
      message: 'is for spot capacity, and onDemand is "always"; remove one of them',
    });
  }
  if (subnetIds && !securityGroupIds && network && !('vpcId' in network)) {
    const message =
      "are not in the deployment's own VPC, but its security group is; give securityGroupIds of the subnets' VPC too";
    faults.push({ path: ['subnetIds'], message });
  }
  if (ssh && subnetIds && network && !('vpcId' in network)) {
    const message =
      "needs a security group in the VPC of the profile's subnetIds, which is not the deployment's own; leave subnetIds out, or use sessionManager";
    faults.push({ path: ['ssh'], message });
  }
  for (const [index, type] of (profile.instanceTypes ?? []).entries()) {
    const its = architectureOf(type);
    if (its && its !== architecture) {
      const message = `"${type}" is of the architecture ${its}, and the profile's is ${architecture}; choose another type, or set architecture`;
      faults.push({ path: ['instanceTypes', index], message });
    }
  }
  return [...faults, ...volumeFaults(profile)];
}

/**
 * Instance families of AWS's own processors have a "g" behind their generation (m8g, c7gn, im4gn, g5g); a1 was the
 * first.
 * Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function architectureOf(instanceType: string): 'arm64' | 'x86_64' | undefined {
  const [, family, options] = /^([a-z]+)\d+([a-z]*)\./.exec(instanceType) ?? [];
  if (family === undefined || options === undefined || family === 'mac') return undefined;
  return family === 'a' || options.includes('g') ? 'arm64' : 'x86_64';
}

const freeIops = 3_000;
const mostIopsPerGiB = 500;
const mostMiBpsPerIops = 0.25;

/** Source: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html#gp3-ebs-volume-type */
function volumeFaults({ volume: { sizeGiB, iops, throughputMiBps } }: Ec2Profile): Fault[] {
  const faults: Fault[] = [];
  if (iops !== undefined && iops > freeIops && iops > sizeGiB * mostIopsPerGiB) {
    const message = `is ${iops}; ${sizeGiB} GiB allow ${sizeGiB * mostIopsPerGiB}: lower it, or raise sizeGiB`;
    faults.push({ path: ['volume', 'iops'], message });
  }
  const mostMiBps = (iops ?? freeIops) * mostMiBpsPerIops;
  if (throughputMiBps !== undefined && throughputMiBps > mostMiBps) {
    const message = `is ${throughputMiBps}; ${iops ?? freeIops} iops allow ${mostMiBps}: lower it, or raise iops`;
    faults.push({ path: ['volume', 'throughputMiBps'], message });
  }
  return faults;
}

function statementFaults({ policyStatements }: Profile): Fault[] {
  const characters = JSON.stringify(policyStatements).length;
  if (characters <= longestStatementsCharacters) return [];
  const message = `are ${characters} characters, and a role holds ${longestStatementsCharacters}; put them into a managed policy`;
  return [{ path: ['policyStatements'], message }];
}

export type DefaultRunner = { readonly type: string; readonly profile?: string };

/**
 * What is wrong between the profiles and who refers to them. `types` are those of all profiles, faulty ones included.
 */
export function referenceFaults(
  types: ReadonlyMap<string, unknown>,
  defaultRunner: DefaultRunner | undefined,
): Fault[] {
  const faults: Fault[] = [];
  if (types.size === 0) {
    faults.push({
      path: ['profiles'],
      message: 'has no profile, so no job could run; write one such as { default: { type: "EC2" } }',
    });
  }
  if (types.has('default') && types.get('default') !== 'EC2' && types.get('default') !== undefined) {
    const message =
      'must be of type EC2: it is what mappings of that type mean when they name no profile; give this one another name';
    faults.push({ path: ['profiles', 'default'], message });
  }
  if (defaultRunner?.profile !== undefined && types.get(defaultRunner.profile) !== defaultRunner.type) {
    const { type, profile } = defaultRunner;
    const known = [...types].filter(([, itsType]) => itsType === type).map(([name]) => name);
    const nearest = nearestOf(profile, known);
    const remedy = nearest ? `did you mean "${nearest}"?` : `name one of: ${known.join(', ') || '(none is defined)'}`;
    faults.push({
      path: ['defaultRunner', 'profile'],
      message: `"${profile}" is not a profile of type ${type}; ${remedy}`,
    });
  }
  return faults;
}

/** Deployments of one file are chosen by name. */
export function duplicateNameFaults(names: readonly unknown[]): Fault[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (first === index) return [];
    return [
      {
        path: [index, 'name'],
        message: `${JSON.stringify(name)} is the name of the deployment [${first}] too; choose another`,
      },
    ];
  });
}
