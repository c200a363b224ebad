import * as z from 'zod/mini';
import { json } from '../environment/json-variable.ts';

const nonEmpty = z.string().check(z.minLength(1));

export const gitlabEnvironment = z.object({ GITLAB_URL: z.url(), GITLAB_TOKEN_SECRET_ARN: nonEmpty });

/** Secrets with the tokens of long-lived runners, by profile; absent when no profile brings one. */
export const runnerTokensEnvironment = z.object({
  RUNNER_TOKEN_SECRETS: z.optional(json(z.record(z.string(), nonEmpty))),
});

/** Of Lambdas that ask which host has a job, where a profile brings a long-lived runner. */
export const hostsEnvironment = z.object({ HOSTS_SHARE_RUNNERS: z.optional(z.literal('true')) });
