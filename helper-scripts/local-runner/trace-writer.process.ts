import type { JobTrace } from './job-trace.process.ts';
import {
  coloured,
  maskText,
  plain,
  sectionEnd,
  sectionStart,
  sectionTitle,
  type TraceStream,
  traceLine,
} from './trace-text.ts';

/** Writes a job's log line by line, with masked values removed and sections that GitLab can fold. */
export class TraceWriter {
  readonly #trace: JobTrace;
  readonly #masked: readonly string[];
  readonly #partial: Record<'01O' | '01E', string> = { '01O': '', '01E': '' };
  #afterSectionMark = false;

  constructor(trace: JobTrace, masked: readonly string[]) {
    this.#trace = trace;
    this.#masked = masked;
  }

  text(message: string): void {
    this.#line('00O', plain(message));
  }

  warning(message: string): void {
    this.#line('00O', coloured('yellow', `WARNING: ${message}`));
  }

  /** The last line of every log. */
  result(succeeded: boolean, message: string): void {
    this.#afterSectionMark = false;
    this.#line('00O', succeeded ? coloured('green', message) : coloured('red', `ERROR: ${message}`));
  }

  green(message: string): void {
    this.#line('01O', coloured('green', message));
  }

  startSection(name: string, title: string): void {
    this.#line('00O', sectionStart(new Date(), name));
    this.#afterSectionMark = true;
    this.#line('00O', sectionTitle(title));
  }

  endSection(name: string): void {
    this.#line('00O', sectionEnd(new Date(), name));
    this.#afterSectionMark = true;
  }

  /**
   * Output as it comes from the script: a masked value may be cut by a chunk's end, so only whole lines are written.
   */
  output(stream: '01O' | '01E', chunk: string): void {
    const lines = `${this.#partial[stream]}${chunk}`.split('\n');
    this.#partial[stream] = lines.pop() ?? '';
    for (const line of lines) this.#line(stream, line);
  }

  /** Writes what the script left without a line break. */
  flushOutput(): void {
    for (const stream of ['01O', '01E'] as const) {
      if (this.#partial[stream] !== '') this.#line(stream, this.#partial[stream]);
      this.#partial[stream] = '';
    }
  }

  #line(stream: TraceStream, text: string): void {
    const continues = this.#afterSectionMark && stream === '00O';
    this.#afterSectionMark = false;
    this.#trace.append(traceLine(new Date(), stream, continues, maskText(text, this.#masked)));
  }
}
