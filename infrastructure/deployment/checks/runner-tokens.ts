import { z } from 'zod';
import type { Fault } from '../faults.ts';
import type { Ec2Profile } from '../profiles/ec2-profile.ts';
import { harmlessDockerSettings, hostDoorsOf } from '../profiles/host-doors.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';

type Profile = Ec2Profile | LambdaProfile;
type Profiles = Readonly<Record<string, Profile>>;

/** With its six random characters: a policy that names a secret without them allows nothing. */
export const secretArnSchema = z
  .string()
  .regex(
    /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
    "write the secret's whole ARN, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci-runner-AbCdEf",
  );

const setting = 'runnerTokenSecretArn';
const whyNot =
  'whose jobs could read the long-lived token of the runner; use a profile of type EC2 with the executor "docker", or remove it';

/** Why no profile of type LAMBDA brings a long-lived runner, and what to do instead. */
export const noTokenForFunctions = `is not for functions, ${whyNot}`;

/**
 * What is wrong with a profile that brings a long-lived runner. Its token is worth much more than that of a runner made for one job, which is
 * gone with it: whoever has it takes jobs of every project of the runner, with their secrets. So no job may reach the host's memory.
 */
export function runnerTokenFaults(profile: Profile): Fault[] {
  if (profile.type === 'LAMBDA' || profile.runnerTokenSecretArn === undefined) return [];
  if (profile.executor !== 'docker') {
    const message = `is not for the executor "${profile.executor}", ${whyNot}`;
    return [{ path: [setting], message }];
  }
  return hostDoorsOf(profile).map(({ path, what }) => {
    const danger = `${what} open the host to jobs, which could then read the token of ${setting}`;
    return { path, message: `${danger}; ${remedyOf(path)}` };
  });
}

function remedyOf([place, kind]: readonly PropertyKey[]): string {
  if (place === 'runnerConfig') return `remove one of them (with it go: ${harmlessDockerSettings.join(', ')})`;
  if (kind === 'volumes') return 'name a path in the container alone, or remove one of them';
  return 'remove one of them';
}

/** Hosts of one runner get each other's jobs, whatever their profiles are. */
export function sharedTokenFaults(profiles: Profiles): Fault[] {
  const seen = new Map<string, string>();
  return Object.entries(profiles).flatMap(([name, { runnerTokenSecretArn: secretArn }]) => {
    if (secretArn === undefined) return [];
    const first = seen.get(secretArn);
    if (first === undefined) {
      seen.set(secretArn, name);
      return [];
    }
    const message = `is that of the profile "${first}" too, so that GitLab would give the jobs of either to hosts of the other; make a runner for each in GitLab, and a secret`;
    return [{ path: ['profiles', name, setting], message }];
  });
}

/** The secrets with the tokens of long-lived runners, by profile. */
export function runnerTokenSecretsOf({ profiles }: { readonly profiles: Profiles }): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(profiles).flatMap(([name, { runnerTokenSecretArn }]) =>
      runnerTokenSecretArn === undefined ? [] : [[name, runnerTokenSecretArn] as const],
    ),
  );
}
