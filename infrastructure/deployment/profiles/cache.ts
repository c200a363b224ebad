import { z } from 'zod';

/** Where the jobs' caches are kept between jobs. */
export const cacheSchema = z.strictObject({
  /** Its folder in the bucket; the profile's name when absent. Profiles that name the same one share their caches. */
  prefix: z
    .string()
    .regex(/^[\w.-]+(?:\/[\w.-]+)*$/, 'write a path of letters, digits and _.- such as linux/arm64')
    .optional(),
  /** Largest archive of a cache; the job goes on without keeping a larger one. Unlimited when absent. */
  maxArchiveMiB: z.int().positive().max(1_048_576).optional(),
});
