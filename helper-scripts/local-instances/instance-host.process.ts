import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { type BootedInstance, bootInstance } from './booted-instance.process.ts';
import { createHostedInstances, type RunningInstance } from './hosted-instances.client.ts';
import { type RoleCredentials, spotNoticeMilliseconds } from './instance-metadata.server.ts';
import { createInstanceRoles, type InstanceRole } from './instance-role.client.ts';

/**
 * `booting`: it waits for its delay; `running`: its boot script runs; `halted`: the script has ended without a
 * shutdown, which leaves an instance running, as on EC2; `terminated`: EC2 says so (or that it is stopped), and nothing
 * of it is left but its log.
 */
export type HostedInstanceState = 'booting' | 'running' | 'halted' | 'terminated';

export type HostedInstance = {
  readonly id: string;
  readonly state: HostedInstanceState;
  /** The console of the instance. */
  readonly logPath: string;
};

export type InstanceHostOptions = {
  /** Of the local AWS. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Where `gitlab-runner` is. */
  readonly runnerPathFolder: string;
  /** The daemon for jobs in containers; docker's own default when absent. */
  readonly dockerHost?: string | undefined;
  readonly log: Log;
  /** From "running" to the start of the user data; real hosts take some eight seconds. */
  readonly bootDelayMilliseconds?: number;
  readonly pollMilliseconds?: number;
  /** Where the instances' logs stay; a folder that `stop` removes when absent. */
  readonly folder?: string;
  /** Credentials for an instance's role; a session of that role from STS when absent. */
  readonly roleCredentials?: (role: InstanceRole, instanceId: string) => Promise<RoleCredentials>;
};

export type InstanceHost = {
  instances(): readonly HostedInstance[];
  /**
   * Takes a spot instance back: its metadata and the account's bus say so now, two minutes ahead. @throws
   * {NoSuchInstanceError}
   */
  interrupt(instanceId: string): Promise<void>;
  /**
   * Lets an instance die without a word: all its processes end at once, and EC2 says that it is terminated. @throws
   * {NoSuchInstanceError}
   */
  kill(instanceId: string): Promise<void>;
  /** Powers every instance off; EC2's records stay as they are. */
  stop(): Promise<void>;
};

/** An instance is not hosted here, or no more. */
export class NoSuchInstanceError extends Error {
  override readonly name = 'NoSuchInstanceError';
}

type Hosted = {
  readonly logPath: string;
  readonly abort: AbortController;
  state: HostedInstanceState;
  booted?: BootedInstance;
  booting?: Promise<void>;
};

const defaultPollMilliseconds = 250;

/**
 * Brings the instances of the local AWS to life: runs the user data of each as a process, until EC2 says that it has
 * ended.
 */
export async function startInstanceHost(options: InstanceHostOptions): Promise<InstanceHost> {
  const { endpoint, region, credentials = { accessKeyId: 'test', secretAccessKey: 'test' }, log } = options;
  const ec2 = createHostedInstances({ endpoint, region, credentials });
  const roles = createInstanceRoles({ endpoint, region, credentials });
  const roleCredentials = options.roleCredentials ?? roles.credentialsOf;
  // The real path, as processes see it: by it they are found again.
  const folder = realpathSync(options.folder ? makeFolder(options.folder) : mkdtempSync(join(tmpdir(), 'instances-')));
  const hosted = new Map<string, Hosted>();
  const stopping = new AbortController();

  async function boot(instance: RunningInstance, entry: Hosted): Promise<void> {
    const { instanceId, instanceProfileArn } = instance;
    await sleep(options.bootDelayMilliseconds ?? 0, undefined, { signal: entry.abort.signal });
    const userData = await ec2.readUserData(instanceId);
    const role = instanceProfileArn ? await roles.roleOf(instanceProfileArn) : undefined;
    entry.booted = await bootInstance({
      identity: { ...instance, userData, roleName: role?.name },
      roleCredentials: () => (role ? roleCredentials(role, instanceId) : Promise.reject(new Error('no role'))),
      folder: join(folder, instanceId),
      logPath: entry.logPath,
      pathFolders: [options.runnerPathFolder],
      awsEndpoint: endpoint,
      dockerHost: options.dockerHost,
    });
    entry.state = 'running';
    log.info('instance boots', { instanceId, instanceType: instance.instanceType, logPath: entry.logPath });
  }

  function host(instance: RunningInstance): void {
    const { instanceId } = instance;
    const entry: Hosted = {
      logPath: join(folder, `${instanceId}.log`),
      abort: new AbortController(),
      state: 'booting',
    };
    hosted.set(instanceId, entry);
    entry.booting = boot(instance, entry).catch((error: unknown) => {
      if (entry.abort.signal.aborted) return;
      entry.state = 'halted';
      log.error('instance does not boot', { instanceId, error });
    });
  }

  async function powerOff(instanceId: string, entry: Hosted): Promise<void> {
    entry.state = 'terminated';
    entry.abort.abort();
    await entry.booting;
    await entry.booted?.powerOff();
    log.info('instance is off', { instanceId });
  }

  async function look(): Promise<void> {
    const running = new Map((await ec2.listRunning()).map((instance) => [instance.instanceId, instance]));
    for (const [id, instance] of running) if (!hosted.has(id)) host(instance);
    for (const [id, entry] of hosted) {
      if (entry.state === 'terminated') continue;
      if (!running.has(id)) await powerOff(id, entry);
      else if (entry.booted?.wantsShutdown()) await ec2.endAfterShutdown(id).then(() => powerOff(id, entry));
      else if (entry.state === 'running' && !entry.booted?.isAlive()) entry.state = 'halted';
    }
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.warn('cannot look after the instances', { error }));
      await sleep(options.pollMilliseconds ?? defaultPollMilliseconds, undefined, { signal: stopping.signal }).catch(
        () => {},
      );
    }
  }

  const following = follow();
  return {
    instances: () => [...hosted].map(([id, { state, logPath }]) => ({ id, state, logPath })),
    async interrupt(instanceId) {
      const booted = hosted.get(instanceId)?.booted;
      if (!booted) throw new NoSuchInstanceError(`${instanceId} cannot be interrupted: no such instance runs here`);
      booted.interrupt(new Date(Date.now() + spotNoticeMilliseconds));
      await ec2.announceInterruption(instanceId);
    },
    async kill(instanceId) {
      const entry = hosted.get(instanceId);
      if (!entry?.booted) throw new NoSuchInstanceError(`${instanceId} cannot be killed: no such instance runs here`);
      await powerOff(instanceId, entry);
      await ec2.terminate(instanceId);
    },
    async stop() {
      stopping.abort();
      await following;
      const left = [...hosted].filter(([, { state }]) => state !== 'terminated');
      await Promise.all(left.map(([id, entry]) => powerOff(id, entry)));
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
