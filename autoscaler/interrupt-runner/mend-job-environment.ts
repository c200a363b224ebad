import * as z from 'zod/mini';
import { retriesEnvironment } from '../environment/environment.ts';
import { json } from '../environment/json-variable.ts';

const nonEmpty = z.string().check(z.minLength(1));

export const mendJobEnvironment = z.extend(retriesEnvironment, {
  /** Names of the profiles whose jobs are retried when they failed on a runner of another one. */
  MISPLACED_RETRIED_PROFILES: json(z.array(nonEmpty)),
});
