import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A daemon on a machine without docker: it says that it is there, and nothing else. */
export type DockerStandIn = {
  /** For `DOCKER_HOST`. */
  readonly host: string;
  close(): Promise<void>;
};

/**
 * What hosts of the docker executor look for before they take a job, where our stand-in for gitlab-runner runs those
 * jobs without docker.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.52/#tag/System/operation/SystemPing
 */
export async function startDockerStandIn(): Promise<DockerStandIn> {
  // A socket's path is a hundred characters long at most, which the local run's own folder may not leave room for.
  const folder = mkdtempSync(join(tmpdir(), 'docker-'));
  const path = join(folder, 'docker.sock');
  const server = createServer(({ method, url }, response) => {
    const isPing = (method === 'GET' || method === 'HEAD') && url === '/_ping';
    if (isPing) response.writeHead(200, { 'Api-Version': '1.41', 'Content-Type': 'text/plain' }).end('OK');
    else
      response.writeHead(501).end(`${method} ${url}: there is no docker here, but a stand-in that answers GET /_ping`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    host: `unix://${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        rmSync(folder, { recursive: true, force: true });
      }),
  };
}
