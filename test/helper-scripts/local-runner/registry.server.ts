import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

/** A registry for images that says nothing until it is told to. */
export async function silentRegistry(test: TestContext) {
  const waiting: ServerResponse[] = [];
  let status = 0;
  const { promise: asked, resolve: heard } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    if (status === 0) waiting.push(response);
    else response.writeHead(status).end();
    heard();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  test.onTestFinished(close);
  return {
    image: `127.0.0.1:${(server.address() as AddressInfo).port}/tools/builder:1`,
    /** Resolves when somebody pulls. */
    asked,
    answer(code: number) {
      status = code;
      for (const response of waiting.splice(0)) response.writeHead(code).end();
    },
  };
}
