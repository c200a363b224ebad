import { functionCutOff } from './runner-errors.ts';

/**
 * When GitLab was last seen not to answer. A host that was started just then could not get its job, which is no fault
 * of its own; and nobody else tells of it, since a host may tell nothing to anybody.
 */
export type OutageMark = {
  /** `at`: milliseconds since 1970. */
  note(at: number): Promise<void>;
  /** Milliseconds since 1970; null when nobody has noted any outage lately. */
  lastSeen(): Promise<number | null>;
};

/** Errors that tell that a runner could not have got its job just now either. */
export const outageErrors = ['GitLabUnavailableError', 'GitLabLimitError', functionCutOff];

/** Key in the runners table. */
export const outageMarkKey = 'outage#gitlab';

/** Whether GitLab was away at any time since then (ISO 8601). */
export function wasAwaySince(time: string | undefined, lastSeen: number | null): boolean {
  return time !== undefined && lastSeen !== null && lastSeen >= Date.parse(time);
}
