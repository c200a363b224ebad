import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quote } from '../local-runner/job-script.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Docker, or what takes the same commands. */
export type ContainerEngine = {
  /** As the CDK would call it: `CDK_DOCKER`, else `docker`. */
  readonly command: string;
  /** More flags for the containers of functions, as the local AWS understands them. */
  readonly runFlags: string;
  /** What the engine's client needs to find its daemon, and has from the user. */
  readonly connection: Readonly<Record<string, string>>;
};

/** Without the machine's own network a container reaches nothing that listens on the loopback. */
const defaultRunFlags = '--network=host';
const runFlagsVariable = 'LAMBDA_DOCKER_FLAGS';

const connectionVariables = [
  ...['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'],
  ...['CONTAINER_HOST', 'XDG_RUNTIME_DIR'],
] as const;

/** A daemon that hangs must not hold up the start, nor the end. */
const answerTimeoutMilliseconds = 10_000;

/** The engine that this environment would use, whether it is there or not. */
export function engineOf(environment: Variables): ContainerEngine {
  const connection = connectionVariables.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    command: environment.CDK_DOCKER || 'docker',
    runFlags: environment[runFlagsVariable] || defaultRunFlags,
    connection: Object.fromEntries(connection),
  };
}

/** Asks whether its daemon is there. */
export async function engineAnswers(
  engine: ContainerEngine,
  timeoutMilliseconds = answerTimeoutMilliseconds,
): Promise<boolean> {
  return ask(engine, ['info'], timeoutMilliseconds).then(
    () => true,
    () => false,
  );
}

/** Whether it has an image of this name. */
export async function engineHasImage(engine: ContainerEngine, tag: string): Promise<boolean> {
  return ask(engine, ['image', 'inspect', tag]).then(
    () => true,
    () => false,
  );
}

/** What the local AWS needs to run functions of images in containers (aws/corrections/lambda_image_containers.py). */
export function serverVariables({ command, runFlags, connection }: ContainerEngine): Record<string, string> {
  return { ...connection, LOCAL_CONTAINER_ENGINE: command, [runFlagsVariable]: runFlags };
}

/**
 * Writes the engine's command for the CDK: it builds and tags, and there is no registry to log in to or to push to,
 * since the local AWS takes images from the engine itself. The name of the image is one of the real ECR, which must not
 * see any of it.
 * @returns its path, for `CDK_DOCKER`
 */
export function writeAssetEngine(folder: string, { command }: ContainerEngine): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'container-engine-without-registry');
  const lines = ['#!/bin/sh', 'for word in "$@"; do', '  case $word in', '    login | push) exit 0 ;;'];
  const more = ['    build | tag | inspect | images) break ;;', '  esac', 'done', `exec ${quote(command)} "$@"`];
  writeFileSync(program, [...lines, ...more, ''].join('\n'));
  chmodSync(program, 0o755);
  return program;
}

/** What the containers of a local run carry, those of its local AWS too. */
export function containerLabel(awsPort: number): string {
  return `gitlab-runners-on-demand.local=${awsPort}`;
}

/** Removes the containers of a local run that are left: those of a server that was killed. */
export async function removeContainers(engine: ContainerEngine, label: string): Promise<void> {
  const ids = (await ask(engine, ['ps', '--all', '--quiet', '--filter', `label=${label}`])).split('\n').filter(Boolean);
  if (ids.length > 0) await ask(engine, ['rm', '--force', ...ids]);
}

async function ask(
  { command, connection }: ContainerEngine,
  args: readonly string[],
  timeout = answerTimeoutMilliseconds,
): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { timeout, env: { ...process.env, ...connection } });
  return stdout;
}
