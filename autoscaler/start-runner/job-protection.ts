import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { decideRunner, type Offer, type RunnerDecision } from '../demand/choose-runner.ts';
import { candidatesOf } from '../job-mappings/choose-mapping.ts';

/**
 * Where a job runs, as `decideRunner` says. GitLab is asked whether the job's ref is protected only where a row or the
 * profile of the job depends on it.
 *
 * @throws {MappingNotAllowedError} when the mapping names what was not deployed, or a profile that never gets the job.
 */
export async function decideByProtection(
  event: JobEvent,
  job: { readonly tags: readonly string[] },
  offer: Offer,
  askIfProtected: () => Promise<boolean>,
): Promise<RunnerDecision> {
  const rowAsks = candidatesOf(event, offer.mappings).some(({ isProtected }) => isProtected);
  const decision = rowAsks ? null : decideRunner(event, job, offer);
  if (decision && !profileAsks(decision)) return decision;
  const isProtected = await askIfProtected();
  return decideRunner(event, { ...job, isProtected }, offer);
}

function profileAsks(decision: RunnerDecision): boolean {
  if (decision.decision === 'IGNORE') return false;
  const { choice } = decision;
  return [choice, choice.fallback].some((one) => one?.accessLevel !== undefined);
}
