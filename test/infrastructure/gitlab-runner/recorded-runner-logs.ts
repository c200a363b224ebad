import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Logs of the real gitlab-runner 19.3.0, called as our hosts call it (`--log-format json run-single -c FILE -r NAME
 * --max-builds 1`), beside a server that answered as each one's name and text say; executor shell. Times, ids and
 * addresses in them are not those that were recorded.
 */
export const recordedRunnerLogs = {
  success: 'a job that succeeds',
  'failing-script': 'a job whose script exits with 3',
  interrupted: 'SIGTERM while the script runs',
  'canceled-in-job': 'canceled while its script runs: an update of the log is answered with Job-Status "canceled"',
  'canceled-before-start': 'canceled at hand-over: the first update is answered 403 with Job-Status "canceled"',
  'canceled-before-start-200': 'canceled at hand-over: the first update is answered 200 with Job-Status "canceled"',
  'canceling-before-start': 'canceled at hand-over: the first update is answered 200 with Job-Status "canceling"',
  'gone-before-start': 'canceled at hand-over: the first update is answered 404',
  'forbidden-before-start': 'the first update is answered 403 without a Job-Status',
  'first-update-failed': 'the first update is answered 500, five times; the job runs all the same',
  'first-update-not-answered': 'the first update gets no answer; the job runs all the same',
  'first-update-accepted': 'the first update is answered 202; the job runs all the same',
  'final-update-accepted': 'the final update is answered 202, twice',
  nothing: 'no job for five seconds',
  'token-refused': 'the request for a job is answered 403; SIGTERM 1.5 s later',
  unauthorized: 'the request for a job is answered 401',
  'server-error': 'the request for a job is answered 500',
  unavailable: 'the request for a job is answered 503',
  'bad-url': 'the URL begins with ftp; SIGTERM 8 s later',
} as const;

export type RecordedRunnerLog = keyof typeof recordedRunnerLogs;
export const recordedRunnerLogNames = Object.keys(recordedRunnerLogs) as readonly RecordedRunnerLog[];

/** Where the lines of a log are. */
export function recordedRunnerLogFile(name: RecordedRunnerLog): string {
  return join(import.meta.dirname, 'recorded-runner-logs', `${name}.jsonl`);
}

export function linesOfRecordedRunnerLog(name: RecordedRunnerLog): readonly string[] {
  return readFileSync(recordedRunnerLogFile(name), 'utf8').trim().split('\n');
}
