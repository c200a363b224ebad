import type { LogFormat } from './command-line.ts';
import { formatLogEntry, type LogFields, type LogLevel } from './runner-log.ts';

/** Writes to stderr, as the released binary does; `with` adds fields to every later line. */
export interface RunnerLog {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  with(fields: LogFields): RunnerLog;
}

export function runnerLog(format: LogFormat, write: (line: string) => void, common: LogFields = {}): RunnerLog {
  const writer =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      write(`${formatLogEntry({ level, message, fields: { ...common, ...fields }, at: new Date() }, format)}\n`);
  return {
    info: writer('info'),
    warn: writer('warning'),
    error: writer('error'),
    fatal: writer('fatal'),
    with: (fields) => runnerLog(format, write, { ...common, ...fields }),
  };
}
