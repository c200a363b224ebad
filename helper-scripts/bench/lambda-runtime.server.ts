import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What runs a function's bundle (`BUNDLE`) as AWS's runtime for Node.js does: takes one event after the other from the
 * runtime API, in one process, which is killed when an event's time is over. It says what it holds after each event.
 */
export const runtimeClientSource = `
import { readdirSync } from 'node:fs';
const api = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/';
const { handler } = await import(process.env.BUNDLE);
for (;;) {
  const next = await fetch(api + 'next');
  if (next.status === 410) process.exit(0);
  const id = next.headers.get('lambda-runtime-aws-request-id');
  const endsAt = Number(next.headers.get('lambda-runtime-deadline-ms'));
  const timer = setTimeout(() => process.kill(process.pid, 'SIGKILL'), endsAt - Date.now());
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => endsAt - Date.now() };
  const [kind, body] = await next.json().then((event) => handler(event, context)).then(
    (answer) => ['response', answer],
    (error) => ['error', { errorType: error.name, errorMessage: error.message }],
  );
  clearTimeout(timer);
  const held = { rssBytes: process.memoryUsage().rss, openFiles: readdirSync('/proc/self/fd').length };
  await fetch(api + id + '/' + kind, { method: 'POST', body: JSON.stringify({ body, held }) });
}
`;

/**
 * How an invocation ended: `crashed` when the process was gone before it answered, and another one asked for the next
 * event.
 */
export type InvocationEnd =
  | { readonly kind: 'response' | 'error'; readonly body: Readonly<Record<string, unknown>>; readonly held: Held }
  | { readonly kind: 'crashed' };

/** What the function's process holds after an event. */
export type Held = { readonly rssBytes: number; readonly openFiles: number };

type Invocation = {
  readonly id: string;
  readonly event: unknown;
  readonly seconds: number;
  readonly end: (end: InvocationEnd) => void;
};

/**
 * Lambda's runtime API for one execution environment. Source:
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi() {
  const waiting: Invocation[] = [];
  let current: Invocation | null = null;
  let asking: ServerResponse | null = null;
  let ended = false;
  let whenAsked = () => {};

  const give = () => {
    if (!asking) return;
    const response = asking;
    if (ended) {
      asking = null;
      response.writeHead(410).end();
      return;
    }
    const next = waiting.shift();
    if (!next) return;
    asking = null;
    current = next;
    response
      .writeHead(200, {
        'lambda-runtime-aws-request-id': next.id,
        'lambda-runtime-deadline-ms': String(Date.now() + next.seconds * 1_000),
      })
      .end(JSON.stringify(next.event));
  };

  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString('utf8');
    const [, id, kind] = /invocation\/([^/]+)\/?(.*)$/.exec(request.url ?? '') ?? [];
    if (id === 'next') {
      const crashed = current;
      current = null;
      crashed?.end({ kind: 'crashed' });
      asking = response;
      whenAsked();
      give();
      return;
    }
    response.writeHead(202).end();
    // Meanwhile the body was read, and the process may have crashed and asked for the next event.
    const answered = current as Invocation | null;
    if (!answered || answered.id !== id || (kind !== 'response' && kind !== 'error')) return;
    current = null;
    answered.end({ kind, ...(JSON.parse(text) as { body: Record<string, unknown>; held: Held }) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let count = 0;

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Gives the function an event; it has so many seconds for it. */
    invoke(event: unknown, seconds = 900): Promise<InvocationEnd> {
      return new Promise((end) => {
        count += 1;
        waiting.push({ id: `request-${count}`, event, seconds, end });
        give();
      });
    },
    /** Until the function has loaded and asks for an event. */
    async ready(): Promise<void> {
      if (!asking) await new Promise<void>((resolve) => (whenAsked = resolve));
    },
    /** Ends the function's process when it asks for the next event. */
    end(): void {
      ended = true;
      give();
    },
    stop(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
