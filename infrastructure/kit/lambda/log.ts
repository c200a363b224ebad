import { type MetricValues, metricFields } from './metrics.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON line per event. `with` returns a logger that adds fields (project and job id, above all) to each line. */
export type Log = {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** An error line that CloudWatch counts as well: what we count is what somebody must look at. */
  count(values: MetricValues, message: string, fields?: LogFields): void;
  /** An info line that CloudWatch counts as well: how things are, which nobody need look at. */
  measure(values: MetricValues, message: string, fields?: LogFields): void;
  with(fields: LogFields): Log;
};

/**
 * Makes a logger that hands finished lines to `write`; `now` gives the time in milliseconds since 1970. Metrics belong
 * to `deployment`.
 */
export function createLog(
  write: (line: string) => void,
  now: () => number,
  context: LogFields = {},
  deployment = 'unknown',
): Log {
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...context, ...fields }, withErrors));
  const counted =
    (level: string): Log['count'] =>
    (values, message, fields = {}) =>
      line(level)(message, { ...fields, ...metricFields(deployment, values, now()) });
  return {
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    count: counted('error'),
    measure: counted('info'),
    with: (fields) => createLog(write, now, { ...context, ...fields }, deployment),
  };
}

/** `JSON.stringify` writes errors as `{}`: give their name, message, stack and cause. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return {
    name: value.name,
    message: value.message,
    stack: value.stack,
    ...(value.cause ? { cause: value.cause } : {}),
  };
}
