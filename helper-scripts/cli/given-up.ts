import { attemptsUsed, type RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';

/**
 * Whether a job that waits gets no runner any more by itself. Who has not the deployment's configuration at hand does
 * not know `maxAttempts`, and takes each failed job for one.
 */
export function isGivenUp(item: RunnerItem, maxAttempts: number | null): boolean {
  return item.state === 'FAILED' && item.jobState === 'PENDING' && attemptsUsed(item) >= (maxAttempts ?? 0);
}
