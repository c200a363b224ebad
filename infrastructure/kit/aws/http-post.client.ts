import type { Agent } from 'node:http';

export type HttpAnswer = { readonly status: number; readonly text: string };

const agents = new Map<string, Agent>();

/**
 * Posts a body and reads the answer, over a connection that is kept alive. Made of `node:http` and `node:https`, and
 * only of the one that is needed: the first `fetch` of a process loads about 20 ms more.
 *
 * @throws what the connection failed with, also after `timeoutMilliseconds` without a whole answer.
 */
export async function postText(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMilliseconds: number,
): Promise<HttpAnswer> {
  const http = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const agent = agents.get(url.protocol) ?? new http.Agent({ keepAlive: true });
  agents.set(url.protocol, agent);
  const signal = AbortSignal.timeout(timeoutMilliseconds);
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST', headers, agent, signal }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }))
        .on('error', reject);
    });
    request.on('error', reject).end(body);
  });
}
