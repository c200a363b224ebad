import type { Deployment } from '../../infrastructure/deployment/deployment.ts';

/** Profiles whose jobs are retried when a spot interruption ended them. */
export function retriedProfilesOf({ profiles }: Pick<Deployment, 'profiles'>): readonly string[] {
  return Object.entries(profiles).flatMap(([name, profile]) =>
    profile.type === 'EC2' && profile.retryInterrupted === 'onDemand' ? [name] : [],
  );
}
