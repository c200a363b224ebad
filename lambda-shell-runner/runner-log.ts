import { type RunnerSentence, sentenceOf } from '../infrastructure/gitlab-runner/runner-log-sentences.ts';

/** What a line of gitlab-runner's log means to us. Its exit code says nothing: it is 0 whatever the job's result. */
export type RunnerSign =
  | { readonly kind: 'config-read' }
  | { readonly kind: 'job-received'; readonly jobId: number }
  /**
   * GitLab's answer to an update of the job's state. `refused`: it wants no more of this job; `open`: the runner goes
   * on, or tries again.
   */
  | { readonly kind: 'update-answered'; readonly answer: 'ok' | 'refused' | 'open'; readonly jobStatus: string }
  | {
      readonly kind: 'job-ended';
      readonly succeeded: boolean;
      readonly failureReason: string | null;
      readonly exitCode: number | null;
    }
  | { readonly kind: 'not-healthy' }
  | { readonly kind: 'trouble'; readonly detail: string }
  | { readonly kind: 'other' };

export type RunnerLogLine = {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sign: RunnerSign;
};

/**
 * Reads one line that `gitlab-runner --log-format json` wrote to its standard error (messages as of 19.3). What is not
 * JSON, such as a panic, becomes a line of its own with that text.
 */
export function readRunnerLogLine(line: string): RunnerLogLine {
  const entry = parseObject(line);
  if (!entry) return { level: 'warn', message: line, fields: {}, sign: { kind: 'trouble', detail: line } };
  // `runner` is the beginning of the token; `time` is ours.
  const { level, msg, time: _time, runner: _runner, ...fields } = entry;
  const message = String(msg ?? '').trim();
  return { level: levelOf(level), message: withoutShortToken(message), fields, sign: signOf(message, level, fields) };
}

function signOf(message: string, level: unknown, fields: Record<string, unknown>): RunnerSign {
  const sentence = sentenceOf(message);
  if (sentence !== undefined) return signOfSentence(sentence, message, fields);
  return ['error', 'fatal', 'panic'].includes(String(level)) ? troubleOf(message, fields) : { kind: 'other' };
}

function signOfSentence(sentence: RunnerSentence, message: string, fields: Record<string, unknown>): RunnerSign {
  const jobStatus = textOf(fields['job-status']) ?? '';
  switch (sentence) {
    case 'started':
      return { kind: 'config-read' };
    case 'jobReceived':
      return { kind: 'job-received', jobId: Number(fields.job) };
    case 'askingFailed':
    case 'askingRefused':
    case 'askingUnavailable':
    case 'askingImpossible':
      return troubleOf(message, fields);
    case 'notHealthy':
      return { kind: 'not-healthy' };
    case 'updateTaken':
      return { kind: 'update-answered', answer: 'ok', jobStatus };
    case 'updateOfEndedJob':
    case 'updateOfUnknownJob':
      return { kind: 'update-answered', answer: 'refused', jobStatus };
    case 'updateFailed':
    case 'updateOpen':
      return { kind: 'update-answered', answer: 'open', jobStatus };
    case 'jobSucceeded':
      return { kind: 'job-ended', succeeded: true, failureReason: null, exitCode: null };
    case 'jobFailed':
      return {
        kind: 'job-ended',
        succeeded: false,
        failureReason: textOf(fields.failure_reason),
        // 0 stands for "no exit code", as when the job was canceled.
        exitCode: typeof fields.exit_code === 'number' && fields.exit_code !== 0 ? fields.exit_code : null,
      };
  }
}

function troubleOf(message: string, fields: Record<string, unknown>): RunnerSign {
  return { kind: 'trouble', detail: [message, textOf(fields.status)].filter(Boolean).join(': ') };
}

function levelOf(level: unknown): RunnerLogLine['level'] {
  if (level === 'warning') return 'warn';
  return level === 'error' || level === 'fatal' || level === 'panic' ? 'error' : 'info';
}

function withoutShortToken(message: string): string {
  return message.replace(/( with token )\S+/, '$1[...]');
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
