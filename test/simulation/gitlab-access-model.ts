import {
  GitLabLimitError,
  GitLabTokenRefusedError,
  GitLabUnavailableError,
} from '../../infrastructure/gitlab/gitlab-errors.ts';
import { gitlabBackoff } from '../../infrastructure/gitlab/gitlab-requester.client.ts';
import { rereadIntervalMilliseconds } from '../../infrastructure/kit/aws/secret.client.ts';
import type { Faults } from './faults.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Our client asks for some seconds before it gives up. */
const patienceMilliseconds = 6_000;
/** GitLab counts calls by the minute, and refused ones too. Source: https://docs.gitlab.com/security/rate_limits/ */
const windowMilliseconds = 60_000;
/** As in secret.client.ts. */
const tokenLifeMilliseconds = 5 * 60_000;

/**
 * What is between our control plane and GitLab: outages, its limit of calls, and our access token. Runners ask for jobs
 * with tokens of their own, each of which GitLab counts for itself, and may ask more often than they ever do.
 */
export function createGitLabAccess({ time, faults }: { readonly time: VirtualTime; readonly faults: Faults }) {
  const window = { index: 0, calls: 0 };
  const isDown = () => faults.isOn('gitlab-down');
  const passes = createTokenModel({ time, faults });
  let refused = 0;

  /** How long GitLab wants to be left alone; zero when it does not. */
  function takeCall(): number {
    const most = faults.now('calls-limited')?.most ?? Number.POSITIVE_INFINITY;
    const index = Math.floor(time.now() / windowMilliseconds);
    if (index !== window.index) Object.assign(window, { index, calls: 0 });
    window.calls += 1;
    return window.calls > most ? (index + 1) * windowMilliseconds - time.now() : 0;
  }

  function tooMany(): GitLabLimitError {
    faults.count('call-refused');
    return new GitLabLimitError('429 Too Many Requests');
  }

  async function withinLimit(): Promise<void> {
    const waitMilliseconds = takeCall();
    if (waitMilliseconds === 0) return;
    if (waitMilliseconds > gitlabBackoff.budgetMilliseconds) throw tooMany();
    await time.sleep(waitMilliseconds);
    if (takeCall() > 0) throw tooMany();
  }

  async function reach<T>(work: () => T): Promise<T> {
    if (isDown()) {
      await time.sleep(patienceMilliseconds);
      if (isDown()) throw new GitLabUnavailableError('GitLab does not answer');
    }
    await withinLimit();
    if (!passes()) throw new GitLabTokenRefusedError('401 Unauthorized');
    return work();
  }

  return {
    isDown,
    refusals: () => refused,
    /** What a call of ours brings. */
    async answer<T>(work: () => T): Promise<T> {
      const result = await reach(work).catch((error: unknown) => {
        if (!(error instanceof TypeError)) refused += 1;
        throw error;
      });
      if (!faults.isOn('gitlab-answers-lost')) return result;
      await time.sleep(patienceMilliseconds);
      throw new GitLabUnavailableError('GitLab did it, and its answer was lost');
    },
  };
}

/** Says of a call whether its token is taken. A token that is refused is read anew, though not all the time. */
function createTokenModel({ time, faults }: { readonly time: VirtualTime; readonly faults: Faults }) {
  const start = time.now();
  const rotations = [...faults.all('token-refused')].sort((a, b) => a.from - b.from);
  /** Tokens by number: the first is 0, and each rotation brings the next. */
  let known = { token: 0, readAt: start };
  let rereadAt = Number.NEGATIVE_INFINITY;
  const stored = (seconds: number) => rotations.findLastIndex((one) => one.from + one.seconds <= seconds) + 1;
  const taken = (seconds: number) => rotations.findLastIndex(({ from }) => from <= seconds) + 1;

  return () => {
    const now = time.now();
    const seconds = (now - start) / 1_000;
    const isTaken = () => known.token === taken(seconds);
    if (now - known.readAt >= tokenLifeMilliseconds) known = { token: stored(seconds), readAt: now };
    if (isTaken()) return true;
    faults.count('token-refused');
    if (now - rereadAt < rereadIntervalMilliseconds) return false;
    known = { token: stored(seconds), readAt: now };
    rereadAt = now;
    return isTaken();
  };
}
