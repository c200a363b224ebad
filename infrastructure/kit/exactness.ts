import * as z from 'zod/mini';

/** An earlier job may have to wait longer than this only when a person says so with "always". */
const mostSeconds = 86_400;
const message = `write "always", "off", or whole seconds from 1 to ${mostSeconds} (a day)`;

/**
 * How strictly a job runs on a runner of its own profile where GitLab could give that runner another job: so many
 * seconds it waits for an earlier job that fits the same runner and is not being started. `always`: however long that
 * takes. `off`: not at all.
 */
export const exactSchema = z
  .union(
    [
      z.literal('always'),
      z.literal('off'),
      z.int(message).check(z.minimum(1, message), z.maximum(mostSeconds, message)),
    ],
    message,
  )
  .check(
    z.describe(
      'How long a job waits for an earlier one that its runner could get and that is not being started: seconds, "always" or "off".',
    ),
  );
export type Exactness = z.output<typeof exactSchema>;

/** Where neither the job's row nor the deployment says anything. */
export const defaultExactSeconds = 300;
