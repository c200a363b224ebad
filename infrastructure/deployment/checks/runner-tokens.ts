import type { Fault } from '../faults.ts';
import type { Ec2Profile } from '../profiles/ec2-profile.ts';
import { harmlessDockerSettings, hostDoorsOf } from '../profiles/host-doors.ts';
import type { LambdaProfile } from '../profiles/lambda-profile.ts';
import { runnerTokenSetting, whyNoToken } from '../runner-token.ts';

type Profile = Ec2Profile | LambdaProfile;
type Profiles = Readonly<Record<string, Profile>>;

/**
 * What is wrong with a profile that brings a long-lived runner. Its token is worth much more than that of a runner made
 * for one job, which is gone with it: whoever has it takes jobs of every project of the runner, with their secrets. So
 * no job may reach the host's memory.
 */
export function runnerTokenFaults(profile: Profile): Fault[] {
  if (profile.type === 'LAMBDA' || profile.runnerTokenSecretArn === undefined) return [];
  if (profile.executor !== 'docker') {
    const message = `is not for the executor "${profile.executor}", ${whyNoToken}`;
    return [{ path: [runnerTokenSetting], message }];
  }
  return hostDoorsOf(profile).map(({ path, what }) => {
    const danger = `${what} open the host to jobs, which could then read the token of ${runnerTokenSetting}`;
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
    return [{ path: ['profiles', name, runnerTokenSetting], message }];
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
