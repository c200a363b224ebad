import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { decideRunner, MappingNotAllowedError, type Offer } from '../demand/choose-runner.ts';
import { toldByGitLab } from '../demand/told-by-gitlab.ts';
import type { JobMapping } from '../job-mappings/job-mapping.ts';
import type { Place, RunnerItem } from '../runner-store/runner-item.ts';

export type FindPlacePorts = {
  /** `job-mappings.client.ts` says what it does. */
  readonly mappings: { read(): Promise<{ readonly mappings: readonly JobMapping[] }> };
  readonly offer: Pick<Offer, 'profiles' | 'defaultRunner'>;
};

/**
 * Where the mappings send a job of which our own table does not say it, by its name, project and tags as GitLab tells
 * them, and by what the runner that took it says of its protection. Null when its row names what was not deployed.
 */
export async function findPlace(
  event: JobEvent,
  job: NamedJob,
  runner: Pick<RunnerItem, 'accessLevel' | 'isProtected' | 'event'>,
  { mappings, offer }: FindPlacePorts,
): Promise<Place | null> {
  const routes = { ...offer, mappings: (await mappings.read()).mappings };
  try {
    const decision = decideRunner(toldByGitLab(event, job), { ...job, isProtected: protectionOf(job, runner) }, routes);
    if (decision.decision === 'IGNORE') return { type: 'IGNORE', profile: null, mapping: null };
    const { type, profile, mapping } = decision.choice;
    return { type, profile, mapping };
  } catch (error) {
    if (error instanceof MappingNotAllowedError) return null;
    throw error;
  }
}

/** Jobs of one ref are alike, and a runner for protected refs alone got no other; undefined where nobody has asked. */
function protectionOf(
  { ref }: NamedJob,
  { accessLevel, isProtected, event }: Pick<RunnerItem, 'accessLevel' | 'isProtected' | 'event'>,
): boolean | undefined {
  if (accessLevel !== undefined) return true;
  return event.ref === ref ? isProtected : undefined;
}
