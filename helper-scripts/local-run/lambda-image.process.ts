import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { causeOf } from './build-failure.ts';
import { runCommand } from './command.process.ts';
import { type ContainerEngine, engineHasImage } from './container-engine.process.ts';

/** The image cannot be built or used here; the message says why on one line, and where more of it is. */
export class LambdaImageError extends Error {
  override readonly name = 'LambdaImageError';
}

export type LambdaImageOptions = {
  readonly engine: ContainerEngine;
  /** What the CDK synthesized: its asset manifests name what is to be built. */
  readonly assembly: string;
  /** By which containers that are left are found. */
  readonly label: string;
  /** Gets everything that the engine says. */
  readonly logFile: string;
  readonly tell: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly buildLimitMilliseconds?: number;
};

/** Downloads of some hundred megabytes; whoever has a slower network sets the packaging by hand. */
const buildMinutes = 15;
/** A container that cannot come to its end. */
const trialLimitMilliseconds = 60_000;

type DockerImage = {
  readonly source: {
    readonly directory: string;
    readonly dockerBuildArgs?: Readonly<Record<string, string>>;
    readonly platform?: string;
  };
};

/**
 * Builds each image of an assembly under the name by which the CDK looks for it, which then does not build it again,
 * and sees in a container whether it can do its work here. Nothing is built that is there already.
 *
 * @returns what the images say of their gitlab-runner
 * @throws {LambdaImageError}
 */
export async function prepareLambdaImages(options: LambdaImageOptions): Promise<string> {
  const found = new Set<string>();
  for (const [id, { source }] of readImages(options.assembly)) {
    const tag = `cdkasset-${id.toLowerCase()}`;
    if (!(await engineHasImage(options.engine, tag))) await build(tag, source, options);
    found.add(await tryOut(tag, options));
  }
  return [...found].join(', ');
}

function readImages(assembly: string): readonly (readonly [string, DockerImage])[] {
  const manifests = readdirSync(assembly).filter((name) => name.endsWith('.assets.json'));
  return manifests.flatMap((name) => {
    const { dockerImages = {} } = JSON.parse(readFileSync(join(assembly, name), 'utf8')) as {
      readonly dockerImages?: Readonly<Record<string, DockerImage>>;
    };
    return Object.entries(dockerImages);
  });
}

/** As the CDK builds it. Source: `cdk-assets`, docker.ts */
async function build(tag: string, source: DockerImage['source'], options: LambdaImageOptions): Promise<void> {
  const values = Object.entries(source.dockerBuildArgs ?? {}).flatMap(([name, value]) => [
    '--build-arg',
    `${name}=${value}`,
  ]);
  const platform = source.platform ? ['--platform', source.platform] : [];
  const limit = options.buildLimitMilliseconds ?? buildMinutes * 60_000;
  const cwd = join(options.assembly, source.directory);
  const { failed, lines } = await runEngine(['build', ...values, '--tag', tag, ...platform, '.'], cwd, limit, options);
  if (failed === undefined) return;
  const cause = failed === 'limit' ? `it took longer than ${minutesOf(limit)} minutes` : causeOf(lines);
  throw new LambdaImageError(`the container image was not built: ${cause} (${options.logFile})`);
}

/**
 * One container, started as the local AWS will start those of the function: it shows its gitlab-runner, and fetches
 * from a server on the loopback, as it will have to from the local GitLab and AWS.
 */
async function tryOut(tag: string, options: LambdaImageOptions): Promise<string> {
  const word = `reached-${process.pid}`;
  await using server = await startServer(word);
  const program = `fetch('${server.url}').then((answer) => answer.text()).then(console.log)`;
  const script = 'gitlab-runner --version && git --version && exec node --eval "$0"';
  const args = [
    ...['run', '--rm', '--pull=never', `--label=${options.label}`],
    ...['--user=10993:10990', '--read-only', '--tmpfs=/tmp'],
    ...wordsOf(options.engine.runFlags),
    ...['--entrypoint=/bin/sh', tag, '-c', script, program],
  ];
  const { failed, lines } = await runEngine(args, options.assembly, trialLimitMilliseconds, options);
  const version = lines.map((line) => /^Version:\s+(\S+)/.exec(line)?.[1]).find(Boolean);
  if (version === undefined) {
    throw new LambdaImageError(
      `a container of the image does not run gitlab-runner: ${causeOf(lines)} (${options.logFile})`,
    );
  }
  if (failed !== undefined || !lines.includes(word)) {
    throw new LambdaImageError(
      `containers (${options.engine.runFlags}) do not reach this machine's 127.0.0.1, where the local GitLab is; Docker Desktop has "Enable host networking" in its settings (${options.logFile})`,
    );
  }
  return `gitlab-runner ${version}`;
}

/** A server on the loopback, like the local GitLab. */
async function startServer(word: string) {
  const server = createServer((_request, response) => void response.end(word));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

type EngineRun = { readonly failed?: 'limit' | 'code'; readonly lines: readonly string[] };

async function runEngine(
  args: readonly string[],
  cwd: string,
  limitMilliseconds: number,
  { engine, logFile, tell, signal }: LambdaImageOptions,
): Promise<EngineRun> {
  const lines: string[] = [];
  const limit = AbortSignal.timeout(limitMilliseconds);
  try {
    await runCommand(engine.command, args, {
      cwd,
      // As the CDK has it: an image with an attestation is one that Lambda does not take.
      environment: { ...process.env, ...engine.connection, BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
      logFile,
      onLine: (line) => {
        lines.push(line);
        tell(line);
      },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    return { lines };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { failed: limit.aborted ? 'limit' : 'code', lines };
  }
}

/** The words of a command line, with quotes as a shell takes them. */
function wordsOf(text: string): readonly string[] {
  return (text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ''));
}

function minutesOf(milliseconds: number): string {
  return String(Math.round(milliseconds / 6_000) / 10);
}
