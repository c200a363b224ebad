import * as z from 'zod/mini';
import { projectsEnvironment } from '../environment/environment.ts';

const nonEmpty = z.string().check(z.minLength(1));

export const reconcileEnvironment = z.extend(projectsEnvironment, {
  EVENT_BUS_ARN: nonEmpty,
  LAUNCH_QUEUE_URL: nonEmpty,
  /** The configuration's `reconciler.patience`. */
  PATIENCE: z.coerce.number(),
  /** There are LAMBDA profiles. */
  HAS_FUNCTIONS: z.optional(z.literal('true')),
});
