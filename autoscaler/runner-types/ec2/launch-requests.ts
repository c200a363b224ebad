import { parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { LaunchRequest } from './launch-request.ts';

/** The end of the launch queue into which requests go. */
export type LaunchRequests = {
  /**
   * Asks for an instance. Asking twice is harmless: the item says whether the job has one, and a launch is written on
   * it first.
   */
  send(request: LaunchRequest): Promise<void>;
};

/** The request for an item's instance, as the state RequestInstance sends it. */
export function launchRequestOf({ pk, attempt, profile, onDemandOnly = false }: RunnerItem): LaunchRequest | null {
  const job = parseJobKey(pk);
  return job && { ...job, attempt, profile, onDemandOnly };
}
