import { stripVTControlCharacters } from 'node:util';

/** A scenario that the released gitlab-runner 19.3.0 went through, cut down to what a copy of it must do likewise. */
export interface Recording {
  readonly what: string;
  /** `{url}`, `{config}`, `{builds}` and `{cache}` stand for what the test chooses. */
  readonly args: string;
  readonly signals: readonly { readonly afterMs: number; readonly signal: NodeJS.Signals }[];
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  readonly elapsedMs: number;
  /** As `describeLogLine` puts it; equal lines in a row are one. */
  readonly log: readonly string[];
  /** The rest was not kept. */
  readonly logIsBeginning: boolean;
  readonly job: RecordedJob | null;
  readonly exchanges: readonly RecordedExchange[];
}

/** The job that the server handed out. */
export interface RecordedJob {
  readonly id: number;
  readonly timeoutSeconds: number;
  readonly steps: readonly {
    readonly name: string;
    readonly script: readonly string[];
    readonly timeout: number;
    readonly when: string;
    readonly allow_failure: boolean;
  }[];
  readonly failureReasons: readonly string[];
}

/** Equal requests in a row are one exchange with `times`. */
export interface RecordedExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly times: { readonly least: number; readonly most: number };
  readonly answer: {
    /** null: the server never answered. */
    readonly status: number | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
    readonly afterMs: number;
  };
}

/** In an answer's body: the job of this recording. */
export const jobPlaceholder = '{job}';

/**
 * One line of the runner's own log, text or JSON, without what differs from run to run: level, message and the names of
 * the fields. Undefined for lines about parts that the stand-in does not have, or that depend on the account.
 */
export function describeLogLine(line: string): string | undefined {
  const { level, message, fields } = line.startsWith('{"')
    ? readJsonLine(line)
    : readTextLine(stripVTControlCharacters(line));
  if (droppedMessages.test(message)) return undefined;
  return `${level}: ${message}${fields.length > 0 ? ` [${[...fields].sort().join(' ')}]` : ''}`;
}

/** How often a line comes depends on seconds; in which order the different ones come does not. */
export function withoutRepeats(lines: readonly string[]): readonly string[] {
  return lines.filter((line, index) => line !== lines[index - 1]);
}

const droppedMessages = /^(executor not supported|Running in (system|user)-mode\.|)$/;

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: readonly string[];
}

function readJsonLine(line: string): LogLine {
  const { level, msg, time: _time, ...fields } = JSON.parse(line) as Record<string, unknown>;
  return { level: String(level), message: String(msg), fields: Object.keys(fields) };
}

function readTextLine(line: string): LogLine {
  const [, level = 'INFO', rest = ''] = /^(?:(WARNING|ERROR|FATAL): )?(.*)$/s.exec(line) ?? [];
  const [message = '', ...fields] = rest.split(/ {2,}(?=[a-z_-]+=)/);
  const names = [...` ${fields.join(' ')}`.matchAll(/ ([a-z_-]+)=/g)].map((match) => match[1] ?? '');
  return { level: level.toLowerCase(), message: message.trim(), fields: names };
}

/**
 * How often a job's log is sent until it ends depends on how long the job takes on this machine: of these lines the
 * last one counts.
 */
export function withLastSentLog(lines: readonly string[]): string[] {
  const last = lines.findLastIndex(tellsOfSentLog);
  return lines.filter((line, index) => index === last || !tellsOfSentLog(line));
}

function tellsOfSentLog(line: string): boolean {
  return line.startsWith('info: Appending trace to coordinator...ok');
}
