import { Hono } from 'hono';
import { createGitLab } from '../../../infrastructure/gitlab/gitlab.client.ts';
import { gitlabBackoff } from '../../../infrastructure/gitlab/gitlab-requester.client.ts';
import type { BackoffPolicy } from '../../../infrastructure/kit/lambda/backoff.ts';
import { serveLoopback } from '../../support/loopback.ts';

export const accessToken = 'glpat-fake-not-a-real-secret';

export type StubRequest = {
  readonly line: string;
  readonly query: Readonly<Record<string, string>>;
  readonly token: string | undefined;
  readonly body: unknown;
};

/** What the stub answers; `hang` never does. */
export type StubAnswer =
  | 'hang'
  | {
      readonly status?: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly raw?: string;
    };

/**
 * Our GitLab client against a server that gives these answers, one after the other (the last one for ever). Waits
 * between tries pass at once, in virtual time.
 */
export async function gitlabAnswering(
  answers: readonly StubAnswer[],
  { policy = gitlabBackoff, rereadToken }: { policy?: BackoffPolicy; rereadToken?: () => Promise<string> } = {},
) {
  const asked: StubRequest[] = [];
  const waits: number[] = [];
  const app = new Hono().all('*', async (context) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? {};
    const text = await context.req.text();
    const { pathname, searchParams } = new URL(context.req.url);
    asked.push({
      line: `${context.req.method} ${pathname}`,
      query: Object.fromEntries(searchParams),
      token: context.req.header('private-token'),
      body: text ? JSON.parse(text) : null,
    });
    if (answer === 'hang') return new Promise<Response>(() => {});
    const { status = 200, body = {}, headers = {}, raw } = answer;
    const content = status === 204 ? null : (raw ?? JSON.stringify(body));
    return new Response(content, { status, headers: { 'content-type': 'application/json', ...headers } });
  });
  const loopback = await serveLoopback(app);
  let clock = 0;
  const gitlab = createGitLab({
    url: loopback.url,
    token: async () => accessToken,
    rereadToken,
    backoff: policy,
    backoffPorts: {
      now: () => clock,
      sleep: async (milliseconds) => {
        waits.push(milliseconds);
        clock += milliseconds;
      },
      random: () => 0.5,
    },
  });
  return { gitlab, asked, waits, url: loopback.url, [Symbol.asyncDispose]: loopback[Symbol.asyncDispose] };
}
