import type { IncomingHttpHeaders } from 'node:http';
import type { UpdateAnswer } from './job-reply.ts';

export interface ApiAnswer {
  readonly status: number;
  /** As in Go's messages: method and address are added by whoever logs it. */
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One header's text; GitLab sends each of those that matter once. */
export function headerText(answer: ApiAnswer, name: string): string {
  const value = answer.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

const defaultUpdateIntervalMs = 3000;

/** The parts of an answer that decide what becomes of the job. */
export function updateAnswer(answer: ApiAnswer): UpdateAnswer {
  return {
    status: answer.status,
    jobStatus: headerText(answer, 'job-status'),
    updateIntervalMs: updateInterval(answer),
  };
}

function updateInterval(answer: ApiAnswer): number {
  const seconds = Number(headerText(answer, 'x-gitlab-trace-update-interval'));
  return seconds > 0 ? seconds * 1000 : defaultUpdateIntervalMs;
}

/** What the released binary logs of an answer about a job. */
export function replyFields(answer: ApiAnswer) {
  return {
    code: answer.status,
    'job-status': headerText(answer, 'job-status'),
    'update-interval': updateInterval(answer),
  };
}

/** The server's own words, where they say more than the status line. */
export function messageOf(answer: ApiAnswer): string {
  try {
    const { message } = JSON.parse(answer.text) as { message?: unknown };
    return typeof message === 'string' && message !== answer.statusText ? ` (${message})` : '';
  } catch {
    return '';
  }
}
