import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InstanceIdentity, type RoleCredentials, startInstanceMetadata } from './instance-metadata.server.ts';
import { killProcessesOf } from './process-tree.process.ts';

export type BootOptions = {
  readonly identity: InstanceIdentity;
  readonly roleCredentials: () => Promise<RoleCredentials>;
  /** The instance's disk: gone when it is powered off. */
  readonly folder: string;
  /** Where its console goes; stays. */
  readonly logPath: string;
  /** Folders that come first in the instance's PATH: what the image would have brought. */
  readonly pathFolders: readonly string[];
  readonly awsEndpoint: string;
  /** The daemon for jobs in containers; docker's own default when absent. */
  readonly dockerHost?: string | undefined;
};

export type BootedInstance = {
  /** Does the boot script still run? */
  isAlive(): boolean;
  /** Has something on the instance called `shutdown`? */
  wantsShutdown(): boolean;
  /** Announces a spot interruption in its metadata. */
  interrupt(at: Date): void;
  /** Ends every process and the metadata service at once, and removes the disk. */
  powerOff(): Promise<void>;
};

/** An instance's user data is not a script. */
export class UserDataError extends Error {
  override readonly name = 'UserDataError';
}

/**
 * Runs an instance's user data as cloud-init would, with a metadata service of its own and a `shutdown` that we notice.
 *
 * @throws {UserDataError} when it does not begin with `#!`: nothing else is run here.
 */
export async function bootInstance(options: BootOptions): Promise<BootedInstance> {
  const { identity, folder, logPath } = options;
  if (!identity.userData.startsWith('#!')) {
    throw new UserDataError(
      `The user data of ${identity.instanceId} begins with "${identity.userData.slice(0, 20)}", not with "#!": look at its launch template`,
    );
  }
  const home = join(folder, 'root');
  const commands = join(folder, 'bin');
  const shutdownMark = join(folder, 'shutdown-requested');
  for (const path of [home, commands, join(folder, 'tmp')]) await mkdir(path, { recursive: true });
  await writeFile(join(commands, 'shutdown'), `#!/bin/sh\n: >'${shutdownMark}'\n`, { mode: 0o755 });
  const userData = join(folder, 'user-data');
  await writeFile(userData, identity.userData, { mode: 0o700 });

  const metadata = await startInstanceMetadata(identity, options.roleCredentials);
  const log = await open(logPath, 'a');
  const child = spawn(userData, {
    cwd: home,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: {
      PATH: [commands, ...options.pathFolders, process.env.PATH].join(':'),
      HOME: home,
      TMPDIR: join(folder, 'tmp'),
      // Where the boot script writes what is below /etc on a real host: this machine's own is not the instance's.
      HOST_ROOT: folder,
      AWS_ENDPOINT_URL: options.awsEndpoint,
      ...(options.dockerHost ? { DOCKER_HOST: options.dockerHost } : {}),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
    },
  });
  let alive = true;
  child.once('exit', () => {
    alive = false;
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  await started
    .finally(() => log.close())
    .catch((error: unknown) => metadata.close().then(() => Promise.reject(error)));
  return {
    isAlive: () => alive,
    wantsShutdown: () => existsSync(shutdownMark),
    interrupt: metadata.interrupt,
    async powerOff() {
      await killProcessesOf({ folder, ...(child.pid ? { sessionLeader: child.pid } : {}) });
      await metadata.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
