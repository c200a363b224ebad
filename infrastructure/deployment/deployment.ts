import { z } from 'zod';
import * as mini from 'zod/mini';
import { defaultExactSeconds, exactSchema } from '../kit/exactness.ts';
import { accountRuleFields } from './account-rules.ts';
import { amiFaults, amiSchema } from './ami.ts';
import { type DefaultRunner, duplicateNameFaults, profileFaults, referenceFaults } from './checks/between-sections.ts';
import { cacheFaults } from './checks/caches.ts';
import { environmentFaults } from './checks/lambda-environment.ts';
import { sharedTokenFaults } from './checks/runner-tokens.ts';
import { below, type Fault, refuseFaults } from './faults.ts';
import { gitlabSchema } from './gitlab.ts';
import { schemaFaults } from './messages.ts';
import { deploymentNameSchema } from './name.ts';
import { networkFormOf, networkSchema, subnetIdsOf } from './network.ts';
import { ec2ProfileSchema } from './profiles/ec2-profile.ts';
import { type ExtendedProfiles, extendProfiles, isSettings } from './profiles/extends.ts';
import { equalTagsFaults } from './profiles/job-tags.ts';
import { lambdaProfileSchema } from './profiles/lambda-profile.ts';
import { nameSchema } from './profiles/profile.ts';
import { allowedProjectsSchema } from './projects.ts';
import { reconcilerFaults, reconcilerSchema } from './reconciler.ts';
import { resourceTagsSchema, sharedTagFaults } from './tags.ts';

const profileSchema = z.discriminatedUnion('type', [lambdaProfileSchema, ec2ProfileSchema]);

const defaultRunnerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('IGNORE') }),
  z.strictObject({ type: z.literal('LAMBDA'), profile: nameSchema }),
  z.strictObject({ type: z.literal('EC2'), profile: nameSchema.default('default') }),
]);

const defaultName = 'gitlab-runners';
const defaultProfiles = { default: { type: 'EC2' as const }, shell: { type: 'LAMBDA' as const } };

/** Everything a user says about one deployment, with its defaults filled in by {@link defineDeployment}. */
export const deploymentSchema = z.strictObject({
  /** Prefix of everything: stack names, SSM parameters, tags. Two deployments in one account need two names. */
  name: deploymentNameSchema.default(defaultName),
  /** The AWS account; that of the credentials when absent. */
  account: z
    .string()
    .regex(/^\d{12}$/, 'an AWS account id has 12 digits')
    .optional(),
  /** That of the credentials' profile when absent. */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'name a region such as eu-west-1')
    .optional(),
  gitlab: gitlabSchema.prefault({}),
  /** A VPC of our own, or subnets that exist. */
  network: networkSchema.prefault({}),
  /** Paths or globs of projects whose jobs are looked at; every project that the webhook sends when empty. */
  allowedProjects: allowedProjectsSchema.default([]),
  /**
   * Where jobs go that neither a mapping nor the tags of a profile name. Of type EC2 it is the profile `default`,
   * unless another is named.
   */
  defaultRunner: defaultRunnerSchema.prefault({ type: 'IGNORE' }),
  /** Runners of this deployment that may live at the same time; unlimited when absent. */
  maxConcurrent: z.int().positive().optional(),
  /**
   * How long a job waits for an earlier one that fits the same runner, belongs elsewhere, and is not being started:
   * seconds, `always`, or `off`. A mapping may say its own. Jobs of profiles with tags of their own never wait so.
   */
  exact: mini._default(exactSchema, defaultExactSeconds),
  /** Launches that one job may cost before it is given up. */
  maxAttempts: z.int().min(1).max(10).default(3),
  /** How the reconciler repairs what lost events, crashes and dead hosts leave behind. */
  reconciler: reconcilerSchema.prefault({}),
  /**
   * What the workflows tell of themselves: `errors`, or `all` for each step in a log and a trace in X-Ray, at a price
   * for each job. What our functions log is not touched.
   */
  workflowHistory: z.enum(['errors', 'all']).default('errors'),
  /** ARN of an SNS topic that hears of the deployment's alarms; without one they only show in CloudWatch. */
  alarmTopicArn: z
    .string()
    .regex(
      /^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$/,
      'write the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>',
    )
    .optional(),
  /** AWS tags of every resource, instances included. */
  resourceTags: resourceTagsSchema.default({}),
  ...accountRuleFields,
  /** The machine images of EC2 profiles. */
  ami: amiSchema.prefault({}),
  /**
   * The kinds of runners. `default` is what mappings of type EC2 mean that name none. Without any: `default` (EC2) and
   * `shell` (LAMBDA).
   */
  profiles: z.record(nameSchema, profileSchema).prefault(defaultProfiles),
});

export type DeploymentInput = z.input<typeof deploymentSchema>;
export type Deployment = z.output<typeof deploymentSchema>;
export type Profile = z.output<typeof profileSchema>;

/**
 * Checks one deployment's configuration, resolves `extends` and fills in the defaults. What it returns is accepted
 * again, unchanged.
 *
 * @throws {DeploymentConfigError} naming every fault at once.
 * @example export default [defineDeployment({ name: 'ci', gitlab: { url: 'https://gitlab.example.com' } })];
 */
export function defineDeployment(input: DeploymentInput): Deployment {
  const { configuration, faults } = examine(input);
  refuseFaults(faults);
  return deploymentSchema.parse(configuration);
}

/**
 * The same for all deployments of a file, so that the faults of all are named at once.
 *
 * @throws {DeploymentConfigError} also when two have one name.
 * @example export default defineDeployments([{ name: 'ci-east', region: 'us-east-1' }, { name: 'ci-west', region:
 * 'us-west-2' }]);
 */
export function defineDeployments(inputs: readonly DeploymentInput[]): readonly Deployment[] {
  const examined = inputs.map(examine);
  const names = inputs.map((input) => (isSettings(input) ? (input.name ?? defaultName) : Symbol('nameless')));
  refuseFaults([
    ...(inputs.length === 0 ? [{ path: [], message: 'the list is empty; write at least one' }] : []),
    ...examined.flatMap(({ faults }, index) => (inputs.length === 1 ? faults : below([index], faults))),
    ...duplicateNameFaults(names),
  ]);
  return examined.map(({ configuration }) => deploymentSchema.parse(configuration));
}

/**
 * The deployments of a configuration file, of which this is the default export: one or a list, checked or not.
 *
 * @throws {DeploymentConfigError} as {@link defineDeployments}.
 */
export function deploymentsOf(exported: unknown): readonly Deployment[] {
  return defineDeployments((Array.isArray(exported) ? exported : [exported]) as DeploymentInput[]);
}

/** The deployment's profiles of one type, as pairs of name and profile. */
export function profilesOfType<T extends Profile['type']>(deployment: Deployment, type: T) {
  return Object.entries(deployment.profiles).filter(
    (entry): entry is [string, Extract<Profile, { type: T }>] => entry[1].type === type,
  );
}

type Examined = { readonly configuration: unknown; readonly faults: readonly Fault[] };
type Settings = Readonly<Record<string, unknown>>;

function examine(input: unknown): Examined {
  const given = isSettings(input) ? (input.profiles ?? defaultProfiles) : undefined;
  if (!isSettings(input) || !isSettings(given)) {
    return { configuration: input, faults: schemaFaults(deploymentSchema, input) };
  }
  const extended = extendProfiles(given);
  const configuration = { ...input, profiles: extended.profiles };
  const faults = [
    ...extended.faults,
    ...schemaFaults(deploymentSchema, configuration).filter(({ path }) => path[0] !== 'network'),
    ...networkFaults(input.network),
    ...faultsBetween(configuration, extended.profiles),
  ];
  return { configuration, faults: oncePerOrigin(faults, extended) };
}

function networkFaults(network: unknown): Fault[] {
  return network === undefined ? [] : below(['network'], schemaFaults(networkFormOf(network), network));
}

/**
 * What is wrong between settings that are fine alone. A fault elsewhere hides only what cannot be told without the
 * faulty part.
 */
function faultsBetween(settings: Settings, profiles: Settings): Fault[] {
  const { network, defaultRunner, gitlab, ami, reconciler, allowedProjects, resourceTags } = settings;
  const soundNetwork = networkSchema.safeParse(network ?? {}).data;
  const soundRunner: DefaultRunner | undefined = defaultRunnerSchema.safeParse(defaultRunner).data;
  const sound = Object.entries(profiles).flatMap(([name, settings]) => {
    const profile = profileSchema.safeParse(settings).data;
    return profile ? [[name, profile] as const] : [];
  });
  const soundGitLab = gitlabSchema.safeParse(gitlab ?? {}).data;
  const gitlabUrl = soundGitLab?.url;
  const soundTags = resourceTagsSchema.safeParse(resourceTags ?? {}).data ?? {};
  const soundAmi = amiSchema.safeParse(ami ?? {}).data;
  const types = Object.entries(profiles).map(
    ([name, settings]) => [name, isSettings(settings) ? settings.type : undefined] as const,
  );
  return [
    ...sound.flatMap(([name, profile]) => below(['profiles', name], profileFaults(profile, soundNetwork, soundGitLab))),
    ...referenceFaults(new Map(types), soundRunner),
    ...(soundAmi ? amiFaults(soundAmi, Object.fromEntries(sound), soundNetwork) : []),
    ...sharedTagFaults(soundTags, Object.fromEntries(sound)),
    ...sharedTokenFaults(Object.fromEntries(sound)),
    ...cacheFaults(Object.fromEntries(sound)),
    ...equalTagsFaults(Object.fromEntries(sound)),
    ...reconcilerFaults(reconcilerSchema.safeParse(reconciler ?? {}).data, gitlabUrl),
    ...environmentFaults(Object.fromEntries(sound), {
      gitlabUrl: gitlabUrl ?? '',
      trustsCaCertificates: soundGitLab?.caCertificates !== undefined,
      subnetIds: soundNetwork ? subnetIdsOf(soundNetwork) : [],
      allowedProjects: allowedProjectsSchema.safeParse(allowedProjects ?? []).data ?? [],
      resourceTags: soundTags,
    }),
  ];
}

/** A fault that profiles take over from their base is told where it was written. */
function oncePerOrigin(faults: readonly Fault[], { originOf }: ExtendedProfiles): Fault[] {
  return faults.flatMap((fault) => {
    const [root, name, ...inner] = fault.path;
    const origin = root === 'profiles' && inner.length > 0 ? originOf(String(name), inner) : undefined;
    if (origin === undefined) return [fault];
    const place = z.core.toDotPath(['profiles', origin, ...inner]);
    const isTold = faults.some(
      ({ path, message }) => message === fault.message && z.core.toDotPath([...path]) === place,
    );
    return isTold ? [] : [{ ...fault, message: `${fault.message} (taken over from "${origin}")` }];
  });
}
