import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type LocalAws, startLocalAws } from '../../../helper-scripts/local-aws/local-aws.process.ts';
import { ensurePythonEnvironment } from '../../../helper-scripts/local-aws/python-environment.process.ts';

export const repository = resolve(import.meta.dirname, '../../..');

/** A port that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port was given out');
  return address.port;
}

type TestAwsOptions = {
  readonly port?: number;
  readonly stock?: boolean;
  readonly python?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** A local AWS on a free port, with its log in a temporary folder. */
export async function startTestAws(options: TestAwsOptions = {}): Promise<LocalAws> {
  return startLocalAws({
    port: options.port ?? (await freePort()),
    python: options.python ?? (await ensurePythonEnvironment({ log: console.log })),
    nodeModules: join(repository, 'node_modules'),
    logFile: join(mkdtempSync(join(tmpdir(), 'local-aws-test-')), 'local-aws.log'),
    stock: options.stock ?? false,
    environment: options.environment ?? {},
  });
}
