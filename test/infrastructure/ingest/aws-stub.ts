import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export type StubCall = {
  readonly action: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly input: Record<string, unknown>;
};

/** What the stub answers to a call; `hangUp` ends the connection without an answer. */
export type StubAnswer = { readonly status?: number; readonly body: unknown } | 'hangUp';

/**
 * AWS on the loopback interface: keeps what it was asked, and answers what `answer` says. End it with `await using`.
 */
export async function startAwsStub(answer: (call: StubCall, count: number) => StubAnswer) {
  const calls: StubCall[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    const call = {
      action: String(request.headers['x-amz-target']),
      headers: request.headers,
      body,
      input: JSON.parse(body),
    };
    calls.push(call);
    const given = answer(call, calls.length);
    if (given === 'hangUp') {
      request.socket.destroy();
      return;
    }
    response.statusCode = given.status ?? 200;
    response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const secretAnswer = (secret: unknown): StubAnswer => ({ body: { SecretString: JSON.stringify(secret) } });

export const noSuchVersion: StubAnswer = {
  status: 400,
  body: { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret value" },
};

export const eventTaken: StubAnswer = { body: { FailedEntryCount: 0, Entries: [{ EventId: '1' }] } };
