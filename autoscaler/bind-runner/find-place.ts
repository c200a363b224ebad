import type { GitLabJob } from '../../infrastructure/lib/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/lib/job-event.ts';
import type { JobMapping } from '../job-mappings/job-mapping.ts';
import type { Place } from '../runners/misplaced.ts';
import { decideRunner, MappingNotAllowedError, type Offer } from '../start-runner/choose-runner.ts';

export type FindPlacePorts = {
  /** `gitlab.client.ts` says what each does. */
  readonly gitlab: {
    readJob(projectId: number, jobId: number): Promise<GitLabJob | null>;
    readJobEnd(projectId: number, jobId: number): Promise<{ readonly jobName: string } | null>;
  };
  /** `job-mappings.client.ts` says what it does. */
  readonly mappings: { read(): Promise<{ readonly mappings: readonly JobMapping[] }> };
  readonly offer: Pick<Offer, 'profiles' | 'defaultRunner'>;
};

/**
 * Where the mappings send a job of which our own table does not say it, by its name, project and tags. Null when that cannot be told: GitLab
 * does not know the job any more, or its row names what was not deployed.
 */
export async function findPlace(event: JobEvent, { gitlab, mappings, offer }: FindPlacePorts): Promise<Place | null> {
  const { projectId, jobId } = event;
  const job = await gitlab.readJob(projectId, jobId);
  // The reconciler tells of jobs of which it knows no more than the number.
  const jobName = event.jobName === '' ? (await gitlab.readJobEnd(projectId, jobId))?.jobName : event.jobName;
  if (!job || jobName === undefined) return null;
  const routes = { ...offer, mappings: (await mappings.read()).mappings };
  try {
    const decision = decideRunner({ ...event, jobName }, job, routes);
    if (decision.decision === 'IGNORE') return { type: 'IGNORE', profile: null, mapping: null };
    const { type, profile, mapping } = decision.choice;
    return { type, profile, mapping };
  } catch (error) {
    if (error instanceof MappingNotAllowedError) return null;
    throw error;
  }
}
