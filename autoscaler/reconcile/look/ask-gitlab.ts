import {
  GitLabLimitError,
  GitLabTokenRefusedError,
  GitLabUnavailableError,
} from '../../../infrastructure/gitlab/gitlab-errors.ts';
import { SecretUnavailableError } from '../../../infrastructure/kit/aws/secret-errors.ts';
import type { Log } from '../../../infrastructure/kit/lambda/log.ts';

/** What a pass needs after its looks, to mend. */
const timeToMendMilliseconds = 20_000;

export type LookContext = { readonly log: Log; readonly remainingMilliseconds: () => number };

/** Asks GitLab something; null when it did not say. */
export type AskGitLab = {
  <T>(what: string, read: () => Promise<T>): Promise<T | null>;
  /** False once {@link isAway} holds, or time was short: what follows is not asked any more. */
  isUp(): boolean;
  /** Whether GitLab did not answer, wants to be left alone or takes no call of ours. */
  isAway(): boolean;
};

/** Reads something; null, and a line in the log, when that fails. */
export async function unlessFailing<T>(
  what: string,
  read: () => Promise<T>,
  { log }: Pick<LookContext, 'log'>,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    log.warn('could not be read: nothing is concluded from it in this pass', { what, error });
    return null;
  }
}

/** Whether another call in this pass would fail the same way. */
function isForEveryCall(error: unknown): boolean {
  if (error instanceof GitLabTokenRefusedError) return error.forEveryCall;
  return isOutage(error) || error instanceof SecretUnavailableError;
}

/** Whether GitLab did not answer, or would not. */
function isOutage(error: unknown): boolean {
  return error instanceof GitLabUnavailableError || error instanceof GitLabLimitError;
}

/**
 * Asks GitLab as long as it answers and there is time: an outage must not take the whole pass. It is told to
 * `onOutage`.
 */
export function askingGitLab(context: LookContext, onOutage: () => Promise<void>): AskGitLab {
  let isUp = true;
  let isAway = false;
  const ask = async <T>(what: string, read: () => Promise<T>): Promise<T | null> => {
    if (!isUp) return null;
    if (context.remainingMilliseconds() < timeToMendMilliseconds) {
      isUp = false;
      context.log.warn('no time left to ask GitLab: the rest is for the next pass', { what });
      return null;
    }
    const noticing = () =>
      read().catch(async (error: unknown) => {
        if (isForEveryCall(error)) [isUp, isAway] = [false, true];
        if (isOutage(error)) {
          await onOutage().catch((cause: unknown) =>
            context.log.warn('the outage of GitLab could not be noted', { error: cause }),
          );
        }
        throw error;
      });
    return unlessFailing(what, noticing, context);
  };
  return Object.assign(ask, { isUp: () => isUp, isAway: () => isAway });
}
