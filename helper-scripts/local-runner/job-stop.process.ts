import type { JobResult } from './job.ts';
import type { RunnerTime } from './runner-time.process.ts';

/** Why a job does not run to its own end. */
export type StopReason =
  /** The runner got SIGTERM or SIGINT; `signal` is Go's name of it. */
  | { readonly kind: 'aborted'; readonly signal: string }
  /** GitLab says that the job is over. */
  | { readonly kind: 'gone' }
  /** The user cancels; clean-up is still allowed. */
  | { readonly kind: 'canceling' }
  | { readonly kind: 'timeout'; readonly seconds: number };

/**
 * Everything that can stop a job, in one place. `script` ends for any reason, `cleanup` only when nothing may run any
 * more: a cancelled job's after_script still runs.
 */
export class JobStop {
  readonly #script = new AbortController();
  readonly #cleanup = new AbortController();
  readonly #timer = new AbortController();
  #reason: StopReason | undefined;

  constructor(timeoutSeconds: number, time: RunnerTime) {
    void this.#stopAfter(timeoutSeconds, time);
  }

  /** From now on signals to the runner stop the job; the released binary heeds none while it prepares one. */
  heedInterrupt(interrupt: AbortSignal): void {
    const abort = (): void => this.stop({ kind: 'aborted', signal: String(interrupt.reason) });
    if (interrupt.aborted) abort();
    else interrupt.addEventListener('abort', abort, { once: true, signal: this.#timer.signal });
  }

  get script(): AbortSignal {
    return this.#script.signal;
  }

  get cleanup(): AbortSignal {
    return this.#cleanup.signal;
  }

  get reason(): StopReason | undefined {
    return this.#reason;
  }

  /** The first reason counts, but a cancellation gives way to whatever allows no clean-up. */
  stop(reason: StopReason): void {
    if (this.#reason === undefined || this.#reason.kind === 'canceling') this.#reason = reason;
    this.#script.abort();
    if (reason.kind !== 'canceling') this.#cleanup.abort();
  }

  /** The job is over: no timer or signal matters any more. */
  release(): void {
    this.#timer.abort();
  }

  async #stopAfter(seconds: number, time: RunnerTime): Promise<void> {
    await time.sleep(seconds * 1000, this.#timer.signal);
    if (!this.#timer.signal.aborted) this.stop({ kind: 'timeout', seconds });
  }
}

/** What GitLab is told about a job that was stopped. */
export function stoppedResult(reason: StopReason): JobResult {
  switch (reason.kind) {
    case 'aborted':
      return { state: 'failed', failureReason: 'runner_interrupted', error: `aborted: ${reason.signal}` };
    case 'gone':
    case 'canceling':
      return { state: 'failed', failureReason: 'job_canceled', error: 'canceled' };
    case 'timeout':
      return {
        state: 'failed',
        failureReason: 'job_execution_timeout',
        error: `execution took longer than ${goDuration(reason.seconds)} seconds`,
      };
  }
}

/** As Go prints a duration: `5s`, `10m0s`, `1h0m0s`. */
function goDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const parts = [hours > 0 ? `${hours}h` : '', hours > 0 || minutes > 0 ? `${minutes}m` : '', `${seconds % 60}s`];
  return parts.join('');
}
