import type { LogFormat, LogThreshold } from './command-line.ts';

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

const reset = '\u001b[0;m';
const colours: Readonly<Record<LogLevel, string>> = {
  info: '',
  warning: '\u001b[0;33m',
  error: '\u001b[31;1m',
  fatal: '\u001b[31;1m',
};

const thresholds: Readonly<Record<LogThreshold, readonly LogLevel[]>> = {
  debug: ['info', 'warning', 'error', 'fatal'],
  info: ['info', 'warning', 'error', 'fatal'],
  warn: ['warning', 'error', 'fatal'],
  error: ['error', 'fatal'],
  fatal: ['fatal'],
  panic: [],
};

export function isLogged(level: LogLevel, threshold: LogThreshold): boolean {
  return thresholds[threshold].includes(level);
}

/**
 * One line as the released binary writes it to stderr, without the line break. Wrappers read `msg` and `job` from the
 * JSON form, so names and wording are the binary's own.
 */
export function formatLogEntry(entry: LogEntry, format: LogFormat): string {
  switch (format) {
    case 'json':
      return formatJson(entry);
    case 'text':
      return formatText(entry);
    case 'runner':
      return formatForReaders(entry);
  }
}

/** The format that it starts in, with colours also where no terminal is. */
function formatForReaders({ level, message, fields }: LogEntry): string {
  const colour = colours[level];
  const prefix = level === 'info' ? '' : `${level.toUpperCase()}: `;
  const tail = sortedNames(fields).map((name) => ` ${colour}${name}${reset}=${textValue(name, fields[name])}`);
  return `${colour}${prefix}${message.padEnd(messageWidth - prefix.length)}${reset} ${tail.join('')}`;
}

/** Source: https://pkg.go.dev/github.com/sirupsen/logrus#TextFormatter */
function formatText({ level, message, fields, at }: LogEntry): string {
  const quote = (value: string) => (/^[\w\-./@^+]+$/.test(value) ? value : JSON.stringify(value));
  const tail = sortedNames(fields).map((name) => ` ${name}=${quote(textValue(name, fields[name]))}`);
  return `time="${at.toISOString()}" level=${level} msg=${quote(message)}${tail.join('')}`;
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
