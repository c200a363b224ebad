import * as z from 'zod/mini';
import { json } from '../../environment/json-variable.ts';

const nonEmpty = z.string().check(z.minLength(1));

/** What the launcher knows of an EC2 profile. */
export const launchProfileSchema = z.object({
  launchTemplateId: nonEmpty,
  /** The template's version that the stack deployed. */
  launchTemplateVersion: nonEmpty,
  /** Unique id of its hosts' role. */
  hostRoleId: nonEmpty,
  instanceTypes: z.array(nonEmpty),
  onDemand: z.enum(['never', 'fallback', 'always']),
  maxPriceUsd: z.optional(z.number()),
  /** Instead of the network's. */
  subnetIds: z.optional(z.array(nonEmpty)),
  /** The user's own for what is launched, beside the deployment's. */
  tags: z.optional(z.record(z.string(), z.string())),
});
export type LaunchProfile = z.infer<typeof launchProfileSchema>;

export const launchEnvironment = z.object({
  LAUNCH_PROFILES: json(z.record(z.string(), launchProfileSchema)),
  /** The deployment's, of everything that is launched. */
  RESOURCE_TAGS: z._default(json(z.record(z.string(), z.string())), {}),
  SUBNET_IDS: nonEmpty,
  LAUNCH_QUEUE_URL: nonEmpty,
  TAG_QUEUE_URL: nonEmpty,
  EVENT_BUS_ARN: nonEmpty,
});
