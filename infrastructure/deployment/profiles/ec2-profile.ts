import { z } from 'zod';
import { architectures } from '../../kit/architecture.ts';
import { distinct } from '../lists.ts';
import { securityGroupIds, subnetIds } from '../network.ts';
import { secretArnSchema } from '../runner-token.ts';
import { script } from '../script.ts';
import { cacheSchema } from './cache.ts';
import { jobHooks, profileFields, shortestTimeoutMinutes } from './profile.ts';
import { registriesSchema } from './registries.ts';

const pullPolicies = ['always', 'if-not-present', 'never'] as const;

/** A word that goes to docker as it is: a blank at its end would be a part of it. */
const word = z.string().min(1).regex(/^\S*$/, 'has a blank or a line break; remove it');

/** In the containers of jobs. */
const folder = z
  .string()
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[\w.@+-]+)+$/, 'write a folder such as /builds, without a slash at its end');

/** How the docker executor runs jobs. */
export const dockerSchema = z.strictObject({
  /** Image of jobs that name none. */
  image: word.default('public.ecr.aws/docker/library/alpine:3.22'),
  /** Jobs own the whole host, its role included; docker-in-docker needs it. */
  privileged: z.boolean().default(false),
  /**
   * Give jobs the host's docker socket, to build images beside themselves. Jobs own the whole host, its role included.
   * The folder of their sources is then one of the host, at the same path, so that `docker run -v "$PWD:/src"` finds
   * it.
   */
  hostSocket: z.boolean().default(false),
  /**
   * Where the sources of jobs are, in their containers; `/builds` when absent. To have it on another disk of the host,
   * mount that here by `volumes`. With `hostSocket` the host has the same folder at the same path, unless `volumes` has
   * another one there.
   */
  buildsDir: folder.optional(),
  /**
   * Where archives of caches are made and unpacked from, in the jobs' containers; `/cache` when absent. On the host as
   * `buildsDir` is.
   */
  cacheDir: folder.optional(),
  /**
   * Which shell runs the scripts of jobs. `bash`, which is meant when absent, is `sh` in images without it; `pwsh` is
   * PowerShell.
   */
  shell: z.enum(['bash', 'pwsh']).optional(),
  /**
   * Mounts of every job's containers. When absent `/cache` with `hostSocket` or `privileged`, and with `privileged`
   * what docker-in-docker shares; else none.
   */
  volumes: distinct(
    z
      .string()
      .startsWith('/')
      .regex(/^(?:.*\S)?$/, 'has a blank or a line break at its end; remove it'),
  ).optional(),
  /**
   * Tried in this order. A host has no image but what its AMI brought: asking the registry whether it is stale costs a
   * round trip per image.
   */
  pullPolicies: distinct(z.enum(pullPolicies)).min(1).default(['if-not-present']),
  /** Containers beside every job's own, such as `docker:28-dind` for builds in privileged containers. */
  services: z
    .array(
      z.strictObject({
        name: word,
        /** Its name for the job; that of its image when absent. */
        alias: word.optional(),
        command: z.array(z.string()).min(1).optional(),
      }),
    )
    .default([]),
  /** Linux capabilities of the jobs' containers beside docker's own, such as `SYS_PTRACE`. */
  capAdd: distinct(z.string().regex(/^[A-Z_]+$/, 'name a capability such as SYS_PTRACE')).default([]),
  /** Shared memory (`/dev/shm`) of the jobs' containers; docker gives 64. Browsers and databases want more. */
  shmSizeMiB: z.int().positive().optional(),
});

/** The root volume (gp3). */
export const volumeSchema = z.strictObject({
  sizeGiB: z.int().min(8).max(65_536).default(30),
  /** Reads and writes per second: at least 3,000, which are free, and at most 500 per GiB. */
  iops: z.int().min(3_000).max(80_000).optional(),
  /** At least 125, which are free, and at most a quarter of `iops`. */
  throughputMiBps: z.int().min(125).max(2_000).optional(),
  /** The AMI's name for it: `/dev/sda1` for Ubuntu, say. */
  deviceName: z
    .string()
    .startsWith('/dev/')
    .regex(/^[\w/]*$/, 'write the name of a device such as /dev/sda1')
    .default('/dev/xvda'),
});

/** Whom hosts let in by SSH. */
export const sshSchema = z.strictObject({
  /** An EC2 key pair of the region; its private key opens every host of the profile. */
  keyName: z
    .string()
    .min(1)
    .max(255)
    .regex(/^\S(?:.*\S)?$/, 'has a blank at one of its ends; remove it'),
  /** Where connections may come from. */
  cidrs: distinct(
    z
      .cidrv4('write a range of addresses such as 192.0.2.0/24')
      .refine((range) => !range.endsWith('/0'), 'is everybody: name the networks that you come from'),
  ).min(1),
});

/** A runner that is a one-job EC2 instance. */
export const ec2ProfileSchema = z.strictObject({
  type: z.literal('EC2'),
  ...profileFields,
  architecture: z.enum(architectures).default('x86_64'),
  /** Several families and sizes: EC2 chooses the pool with the most room at the best price. */
  instanceTypes: distinct(z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'name an instance type such as m7a.large'))
    .min(1)
    .optional(),
  /** When to use on-demand capacity: never, when spot has none, or always. */
  onDemand: z.enum(['never', 'fallback', 'always']).default('fallback'),
  /**
   * A job that a spot interruption ended: leave it failed, or retry it once, on on-demand capacity. Never by default:
   * only you know whether your jobs (deployments, say) may run twice. Retrying needs an access token with the scope
   * `api`.
   */
  retryInterrupted: z.enum(['never', 'onDemand']).default('never'),
  /** Highest spot price per hour in USD; the on-demand price when absent. */
  maxPriceUsd: z.number().positive().optional(),
  volume: volumeSchema.prefault({}),
  /** SSM parameter with the id of another AMI than ours. */
  imageParameter: z
    .string()
    .startsWith('/')
    .regex(/^[\w./-]*$/, 'write the name of a parameter such as /images/runner')
    .optional(),
  /** Instead of the network's. */
  subnetIds: subnetIds.optional(),
  /** Instead of the network's. */
  securityGroupIds: securityGroupIds.optional(),
  /** Let people in by SSH; the deployment's VPC gets a security group for it. Nobody when absent. */
  ssh: sshSchema.optional(),
  /** Let Session Manager open shells on hosts, for people whose own rights allow it. The agent is in the AMI. */
  sessionManager: z.boolean().default(false),
  /**
   * ARN of a secret with the authentication token of a runner that you made in GitLab: `{"token": "glrt-..."}`, or the
   * token alone. Each host is then one more manager of that runner, and GitLab gets no runner per job. EC2 with the
   * docker executor only, without privileges, since every other job could read the token. The secret must be one of the
   * deployment's region, encrypted with AWS's key.
   */
  runnerTokenSecretArn: secretArnSchema.optional(),
  executor: z.enum(['docker', 'shell']).default('docker'),
  /** For the docker executor alone. */
  docker: dockerSchema.optional(),
  /** Where the images of jobs are, when they are not public. */
  registries: registriesSchema.optional(),
  /** Keep the jobs' caches in the deployment's bucket; without this there is no cache. */
  cache: cacheSchema.optional(),
  timeoutMinutes: z
    .int()
    .min(shortestTimeoutMinutes)
    .max(7 * 24 * 60)
    .default(60),
  hooks: z
    .strictObject({
      /**
       * A bash script that root runs on each host before it takes its job, for at most two minutes. When a command
       * fails, the host ends.
       */
      boot: script.optional(),
      ...jobHooks,
    })
    .default({}),
});

export type Ec2Profile = z.output<typeof ec2ProfileSchema>;

const defaultInstanceTypes = {
  x86_64: ['m7a.large', 'm7i.large', 'm6a.large', 'm6i.large', 'c7a.xlarge', 'c6a.xlarge'],
  arm64: ['m8g.large', 'm7g.large', 'm6g.large', 'c8g.xlarge', 'c7g.xlarge', 'c6g.xlarge'],
} as const;

/** The instance types of an EC2 profile: its own, or six of several families with at least 2 vCPU and 8 GiB. */
export function instanceTypesOf(profile: Ec2Profile): readonly string[] {
  return profile.instanceTypes ?? defaultInstanceTypes[profile.architecture];
}
