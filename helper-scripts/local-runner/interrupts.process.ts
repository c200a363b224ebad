import type { RunnerLog } from './runner-log.process.ts';
import type { RunnerTime } from './runner-time.process.ts';

const shutdownTimeoutMs = 30_000;

/** Go's names for the signals, which its messages carry. */
const signalNames = { SIGTERM: 'terminated', SIGINT: 'interrupt', SIGQUIT: 'quit' } as const;
type Interrupt = keyof typeof signalNames;

/**
 * What signals ask of a runner. SIGQUIT: take no further job. SIGTERM and SIGINT: also abort the job that runs, and be
 * gone within 30 s. A second one, or those 30 s, end the process at once with exit code 1 and no word to GitLab.
 */
export class Interrupts {
  readonly #log: RunnerLog;
  readonly #time: RunnerTime;
  readonly #exit: (code: number) => void;
  readonly #abort = new AbortController();
  readonly #done = new AbortController();
  #finished = false;

  constructor(log: RunnerLog, time: RunnerTime, exit: (code: number) => void) {
    this.#log = log;
    this.#time = time;
    this.#exit = exit;
  }

  /** True once no further job is to be asked for. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Aborted with Go's name of the signal as its reason. */
  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  listen(): void {
    for (const signal of Object.keys(signalNames) as Interrupt[]) process.on(signal, () => this.#receive(signal));
  }

  /** Everything is over: the 30 s no longer count. */
  done(): void {
    this.#done.abort();
  }

  #receive(signal: Interrupt): void {
    const name = signalNames[signal];
    this.#finished = true;
    if (this.#abort.signal.aborted) {
      this.#log.fatal(`forced exit: ${name}`);
      this.#exit(1);
    } else if (signal === 'SIGQUIT') {
      this.#log.warn('Requested quit, waiting for builds to finish');
    } else {
      this.#log.warn(`Requested exit: ${name}`);
      this.#abort.abort(name);
      void this.#endInTime();
    }
  }

  async #endInTime(): Promise<void> {
    await this.#time.sleep(shutdownTimeoutMs, this.#done.signal);
    if (this.#done.signal.aborted) return;
    this.#log.fatal('shutdown timed out');
    this.#exit(1);
  }
}
