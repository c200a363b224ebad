import { crc32 } from 'node:zlib';

export type TraceAppend =
  | { readonly kind: 'appended'; readonly trace: Buffer }
  /** The piece does not begin where the log ends; the runner is told where that is. */
  | { readonly kind: 'mismatch' };

/** Adds a piece of a job's log. @param contentRange `from-to`, both included */
export function appendTrace(trace: Buffer, contentRange: string, piece: Buffer): TraceAppend {
  const [, from] = /^(\d+)-(\d*)/.exec(contentRange) ?? [];
  if (from === undefined || Number(from) !== trace.length) return { kind: 'mismatch' };
  return { kind: 'appended', trace: Buffer.concat([trace, piece]) };
}

/** `crc32:` and eight hexadecimal digits, as runners send it with their final update. */
export function traceChecksum(trace: Buffer): string {
  return `crc32:${crc32(trace).toString(16).padStart(8, '0')}`;
}
