import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import { type JobKey, jobKeyOf } from '../../../infrastructure/kit/job-key.ts';
import { isLeftToOthers } from '../../demand/choose-runner.ts';
import { type LookContext, unlessFailing } from '../look/ask-gitlab.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';

/** A pending job that our table does not know, with all that mappings look at. */
export type UnknownJob = { readonly event: JobEvent; readonly tags: readonly string[] };

/**
 * Which of these jobs wait for runners that are not ours, judged as when their hooks come. The mappings are read when
 * there is a job to judge, and never else. While they cannot be read, every job may be ours: an event too many does
 * nothing, and a job that waits for us must not be forgotten.
 */
export async function findLeftToOthers(
  jobs: readonly UnknownJob[],
  { mappings, offer }: Pick<ReconcilePorts, 'mappings' | 'offer'>,
  context: Pick<LookContext, 'log'>,
): Promise<ReadonlySet<JobKey>> {
  if (jobs.length === 0) return new Set();
  const judge = async () => {
    const current = { ...offer, mappings: (await mappings.read()).mappings };
    return jobs.filter(({ event, tags }) => isLeftToOthers(event, { tags }, current));
  };
  const left = await unlessFailing('which jobs the mappings leave to others', judge, context);
  return new Set(left?.map(({ event }) => jobKeyOf(event)));
}
