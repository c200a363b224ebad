import type { LogFormat } from './command-line.ts';

export type LogLevel = 'info' | 'warning' | 'error' | 'fatal';
export type LogFields = Readonly<Record<string, string | number>>;

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
  readonly at: Date;
}

/** Milliseconds as a field: Go prints a duration as `3s` in text and as nanoseconds in JSON. */
const updateIntervalField = 'update-interval';

const messageWidth = 50;

/**
 * One line as the released binary writes it to stderr, without the line break. Wrappers read `msg` and `job` from the
 * JSON form, so names and wording are the binary's own.
 */
export function formatLogEntry(entry: LogEntry, format: LogFormat): string {
  return format === 'json' ? formatJson(entry) : formatText(entry);
}

function formatText({ level, message, fields }: LogEntry): string {
  const prefix = level === 'info' ? '' : `${level.toUpperCase()}: `;
  const head = `${`${prefix}${message}`.padEnd(messageWidth)} `;
  const tail = sortedNames(fields).map((name) => ` ${name}=${textValue(name, fields[name])}`);
  return `${head}${tail.join('')}`;
}

function formatJson({ level, message, fields, at }: LogEntry): string {
  const all: Record<string, string | number> = { ...fields, level, msg: message, time: at.toISOString() };
  const interval = fields[updateIntervalField];
  if (typeof interval === 'number') all[updateIntervalField] = interval * 1_000_000;
  return JSON.stringify(Object.fromEntries(sortedNames(all).map((name) => [name, all[name]])));
}

function sortedNames(fields: LogFields): readonly string[] {
  return Object.keys(fields).sort();
}

function textValue(name: string, value: string | number | undefined): string {
  if (name === updateIntervalField && typeof value === 'number') return `${value / 1000}s`;
  return String(value);
}
