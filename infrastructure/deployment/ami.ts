import { z } from 'zod';
import { architectures } from '../kit/architecture.ts';
import { kmsKeyArnSchema } from './account-rules.ts';
import { architectureOf } from './checks/between-sections.ts';
import type { Fault } from './faults.ts';
import { distinct } from './lists.ts';
import { awsId, type ExistingNetwork, type OwnNetwork, securityGroupIds } from './network.ts';
import type { Ec2Profile } from './profiles/ec2-profile.ts';
import type { LambdaProfile } from './profiles/lambda-profile.ts';
import { nameSchema } from './profiles/profile.ts';
import { script } from './script.ts';

/** A component holds 16,000 characters; YAML and what we put around take some of them. */
const longestScriptCharacters = 12_000;

const componentScript = script
  .max(longestScriptCharacters)
  .refine((text) => !text.includes('{{'), { error: 'has "{{", which Image Builder replaces; write it otherwise' });

const buildInstanceTypes = distinct(
  z.string().regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'name an instance type such as m7a.large'),
).min(1);

/** How the machine images of EC2 profiles are built that name none of their own. */
export const amiSchema = z.strictObject({
  /**
   * `weekly`: every Sunday at 03:00 UTC, whether something changed or not, since Amazon Linux did. `never`: by
   * deployments and by hand.
   */
  rebuild: z.enum(['weekly', 'never']).default('weekly'),
  /**
   * The newest images of each architecture, which stay. Older ones go with their snapshots, unless a host was launched
   * from them within a week.
   */
  keep: z.int().min(1).max(100).default(3),
  /** What `cdk destroy` does with images, their snapshots and the parameters that name them. */
  onDestroy: z.enum(['keep', 'delete']).default('keep'),
  /** The disk that is imaged. Hosts read theirs from its snapshot as they boot, and none can have a smaller one. */
  sizeGiB: z.int().min(8).max(1_024).default(8),
  /**
   * The key of the image's snapshots, which are encrypted in any case, and of hosts' disks; the deployment's when
   * absent. The launcher gets the rights to use it; the key's policy has to let EC2 Spot's service-linked role
   * (`AWSServiceRoleForEC2Spot`) use it, or no spot instance can start: `deployment key-policy` prints how.
   * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
   */
  kmsKeyArn: kmsKeyArnSchema.optional(),
  /** Of the instances that images are built and tested on. */
  instanceTypes: z
    .strictObject({ x86_64: buildInstanceTypes.optional(), arm64: buildInstanceTypes.optional() })
    .default({}),
  /** Where images are built, instead of the network's first subnet; it needs a way to the internet. */
  subnetId: awsId('subnet-').optional(),
  /** Instead of the network's. */
  securityGroupIds: securityGroupIds.optional(),
  /**
   * What you add to the image, in this order: bash scripts that root runs, `build` on the build instance and `test` on
   * one that was started from the image. A command that fails ends the build.
   */
  components: z
    .record(
      nameSchema,
      z
        .strictObject({ build: componentScript.optional(), test: componentScript.optional() })
        .refine(({ build, test }) => build !== undefined || test !== undefined, {
          error: 'does nothing; write a script for build or test',
        }),
    )
    .default({}),
  /** Components of Image Builder that exist, AWS's own for example; after those above. */
  componentArns: distinct(
    z
      .string()
      .regex(
        /^arn:[a-z-]+:imagebuilder:[a-z0-9-]+:(?:aws|\d{12}):component\/[a-z0-9-]+\/[0-9x.]+(?:\/\d+)?$/,
        "write a component's ARN, such as arn:aws:imagebuilder:eu-west-1:aws:component/python-3-linux/x.x.x",
      ),
  ).default([]),
});

export type Ami = z.output<typeof amiSchema>;

/**
 * What is wrong between these settings, and between them and the others, each of which is fine alone. Paths begin at
 * the deployment.
 */
export function amiFaults(
  ami: Ami,
  profiles: Readonly<Record<string, Ec2Profile | LambdaProfile>>,
  network: OwnNetwork | ExistingNetwork | undefined,
): Fault[] {
  return [...instanceTypeFaults(ami), ...diskFaults(ami, profiles), ...networkFaults(ami, network)];
}

function instanceTypeFaults({ instanceTypes }: Ami): Fault[] {
  return architectures.flatMap((architecture) =>
    (instanceTypes[architecture] ?? []).flatMap((type, index) => {
      const its = architectureOf(type);
      if (its === undefined || its === architecture) return [];
      const message = `"${type}" is of the architecture ${its}; choose another type`;
      return [{ path: ['ami', 'instanceTypes', architecture, index], message }];
    }),
  );
}

function diskFaults({ sizeGiB }: Ami, profiles: Readonly<Record<string, Ec2Profile | LambdaProfile>>): Fault[] {
  return Object.entries(profiles).flatMap(([name, profile]) => {
    if (profile.type !== 'EC2' || profile.imageParameter !== undefined || profile.volume.sizeGiB >= sizeGiB) return [];
    const message = `is ${profile.volume.sizeGiB}, and the image's disk has ${sizeGiB} GiB (ami.sizeGiB); raise it`;
    return [{ path: ['profiles', name, 'volume', 'sizeGiB'], message }];
  });
}

function networkFaults(ami: Ami, network: OwnNetwork | ExistingNetwork | undefined): Fault[] {
  if (ami.subnetId === undefined || ami.securityGroupIds || network === undefined || 'vpcId' in network) return [];
  const message =
    "is not in the deployment's own VPC, but its security group is; give ami.securityGroupIds of the subnet's VPC too";
  return [{ path: ['ami', 'subnetId'], message }];
}
