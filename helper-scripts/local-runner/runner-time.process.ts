import { setTimeout as wait } from 'node:timers/promises';

/**
 * Makes every interval of the stand-in shorter (0.1: ten times faster), so that tests see five minutes pass in seconds.
 */
export const timeScaleVariable = 'GITLAB_RUNNER_STAND_IN_TIME_SCALE';

/** Time as the runner counts it; `now` and `sleep` stretch alike. */
export interface RunnerTime {
  /** Milliseconds since some moment in the past. */
  now(): number;
  /** Resolves after so many milliseconds, or at once when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export function runnerTime(scale: number): RunnerTime {
  return {
    now: () => performance.now() / scale,
    async sleep(milliseconds, signal) {
      try {
        await wait(milliseconds * scale, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        if (!signal?.aborted) throw error;
      }
    },
  };
}

/** @throws RangeError when the variable holds anything but a number above zero. */
export function readTimeScale(env: Readonly<Record<string, string | undefined>>): number {
  const text = env[timeScaleVariable];
  if (text === undefined || text === '') return 1;
  const scale = Number(text);
  if (!(scale > 0)) throw new RangeError(`${timeScaleVariable} is "${text}": give a number above zero`);
  return scale;
}
