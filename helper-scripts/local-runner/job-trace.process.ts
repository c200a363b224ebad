import { crc32 } from 'node:zlib';
import type { RunnerJob } from './job.ts';
import type { JobProtocol, TraceSummary } from './job-protocol.client.ts';
import type { JobReply } from './job-reply.ts';
import type { RunnerTime } from './runner-time.process.ts';

const largestPatchBytes = 1024 * 1024;
const keepAliveMs = 30_000;

/** Told once when GitLab wants the job to stop. */
export interface TraceListener {
  /** The job is over for GitLab: stop everything. */
  onGone(): void;
  /** The user cancels: stop the script, clean up. */
  onCanceling(): void;
}

/**
 * A job's log on its way to GitLab: kept whole, sent in pieces every few seconds. A job that writes nothing is reported
 * as running every 30 s, so that a cancellation reaches it.
 */
export class JobTrace {
  readonly #protocol: JobProtocol;
  readonly #job: RunnerJob;
  readonly #time: RunnerTime;
  readonly #listener: TraceListener;
  readonly #stop = new AbortController();
  readonly #limitBytes: number;
  #content = Buffer.alloc(0);
  #sentBytes = 0;
  #intervalMs: number;
  #lastContact: number;
  #limitReached = false;

  constructor(options: {
    readonly protocol: JobProtocol;
    readonly job: RunnerJob;
    readonly time: RunnerTime;
    readonly listener: TraceListener;
    readonly limitBytes: number;
    readonly intervalMs: number;
  }) {
    this.#protocol = options.protocol;
    this.#job = options.job;
    this.#time = options.time;
    this.#listener = options.listener;
    this.#limitBytes = options.limitBytes;
    this.#intervalMs = options.intervalMs;
    this.#lastContact = options.time.now();
  }

  append(text: string): void {
    if (this.#limitReached) return;
    this.#content = Buffer.concat([this.#content, Buffer.from(text)]);
    if (this.#content.length <= this.#limitBytes) return;
    this.#limitReached = true;
    const note = `\nJob's log exceeded limit of ${this.#limitBytes} bytes.\nJob execution will continue but no more output will be collected.\n`;
    this.#content = Buffer.concat([this.#content.subarray(0, this.#limitBytes), Buffer.from(note)]);
  }

  summary(): TraceSummary {
    const checksum = crc32(this.#content).toString(16).padStart(8, '0');
    return { checksum: `crc32:${checksum}`, bytes: this.#content.length };
  }

  /** Sends what there is at every interval, until `finish`. Resolves once the last send under way has ended. */
  async sendPeriodically(): Promise<void> {
    for (;;) {
      await this.#time.sleep(this.#intervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      await this.#sendOnce();
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Sends the rest, however often it takes; gives up only when GitLab does not want the job or its log. */
  async sendRest(): Promise<void> {
    while (this.#sentBytes < this.#content.length) {
      const reply = await this.#patch();
      if (reply.kind === 'gone' || reply.kind === 'no-log') return;
      if (reply.kind === 'failed') await this.#time.sleep(this.#intervalMs);
    }
  }

  /** After a failed validation: GitLab's copy is worthless, begin again. */
  sendAgainFrom(byte: number): void {
    this.#sentBytes = byte;
  }

  async #sendOnce(): Promise<void> {
    if (this.#sentBytes < this.#content.length) this.#heed(await this.#patch());
    else if (this.#time.now() - this.#lastContact > keepAliveMs) {
      const reply = await this.#protocol.reportRunning(this.#job);
      if (reply.kind !== 'failed') this.#lastContact = this.#time.now();
      this.#heed(reply);
    }
  }

  async #patch(): Promise<JobReply> {
    const piece = this.#content.subarray(this.#sentBytes, this.#sentBytes + largestPatchBytes);
    const reply = await this.#protocol.patchTrace(this.#job, piece, this.#sentBytes);
    if (reply.kind !== 'failed') this.#lastContact = this.#time.now();
    if (reply.kind === 'continue' || reply.kind === 'canceling') this.#sentBytes += piece.length;
    if (reply.kind === 'resend') this.#sentBytes = Math.min(reply.fromByte, this.#content.length);
    return reply;
  }

  #heed(reply: JobReply): void {
    if (reply.kind === 'continue' || reply.kind === 'canceling') this.#intervalMs = reply.updateIntervalMs;
    if (reply.kind === 'gone') this.#listener.onGone();
    if (reply.kind === 'canceling') this.#listener.onCanceling();
  }
}
