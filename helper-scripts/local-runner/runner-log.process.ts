import type { LogFormat, LogThreshold } from './command-line.ts';
import { formatLogEntry, isLogged, type LogFields, type LogLevel } from './runner-log.ts';

/** Writes to stderr, as the released binary does; `with` adds fields to every later line. */
export interface RunnerLog {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  with(fields: LogFields): RunnerLog;
}

export interface LogStyle {
  readonly format: LogFormat;
  readonly threshold: LogThreshold;
}

export function runnerLog(style: LogStyle, write: (line: string) => void, common: LogFields = {}): RunnerLog {
  const writer =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (!isLogged(level, style.threshold)) return;
      const entry = { level, message, fields: { ...common, ...fields }, at: new Date() };
      write(`${formatLogEntry(entry, style.format)}\n`);
    };
  return {
    info: writer('info'),
    warn: writer('warning'),
    error: writer('error'),
    fatal: writer('fatal'),
    with: (fields) => runnerLog(style, write, { ...common, ...fields }),
  };
}
