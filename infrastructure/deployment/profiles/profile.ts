import { z } from 'zod';
import { permissionFields } from '../iam.ts';
import { script } from '../script.ts';
import { resourceTagsSchema } from '../tags.ts';
import { jobTagsSchema } from './job-tags.ts';
import { environmentSchema } from './job-variables.ts';

/** Profiles' names are parts of names on AWS. */
export const nameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'use 1 to 32 lower-case letters, digits and hyphens, beginning with a letter');

/** GitLab refuses runners with a shorter maximum timeout (POST /user/runners). */
export const shortestTimeoutMinutes = 10;

/** Shell scripts around each job's own, run where the job runs. A script that fails fails the job. */
export const jobHooks = {
  /**
   * Before the sources are fetched. Not in jobs with `GIT_STRATEGY: none` or `empty`, which fetch none; what every job
   * needs is for `preBuild`.
   */
  preGetSources: script.optional(),
  /** After the sources were fetched. Not in jobs with `GIT_STRATEGY: none` or `empty` either. */
  postGetSources: script.optional(),
  /** Before the job's script, in the same shell. */
  preBuild: script.optional(),
  /** After the job's script, before `after_script`. */
  postBuild: script.optional(),
};

/** What profiles of every type have. */
export const profileFields = {
  /**
   * Name of the profile whose settings this one takes over where it says nothing itself (see `extendProfiles` for how).
   */
  extends: nameSchema.optional(),
  /** Jobs of this profile that may run at the same time; as many as the account's quotas allow when absent. */
  maxConcurrent: z.int().positive().optional(),
  ...permissionFields,
  /**
   * Variables of every job; a job's own and GitLab's win over them. As in `.gitlab-ci.yml`, `$$` is a dollar sign and
   * `$CI_PROJECT_DIR` the value of a variable of GitLab's; no other is known here (`$PATH`, say): `export` what needs
   * one in `hooks.preBuild`. They are no secrets: whoever may look at the runner's settings on AWS sees them.
   */
  environment: environmentSchema.default({}),
  /** Longest log of a job; GitLab Runner cuts what is above. 4,096 when absent. */
  outputLimitKiB: z.int().min(1).max(1_048_576).optional(),
  /**
   * Whatever else GitLab Runner's `[[runners]]` section knows, in its own words, for example
   * `{ docker: { memory: '4g' } }`. Names and types are those of the release that the images have.
   * Source: https://docs.gitlab.com/runner/configuration/advanced-configuration/
   */
  runnerConfig: z.record(z.string(), z.json()).default({}),
  /**
   * Tags of GitLab jobs: a job that has all of them goes to this profile without any mapping. A mapping that matches
   * wins. Of several profiles the one with most tags gets the job. A tag that no other profile and no mapping names
   * keeps the profile's jobs apart from all others.
   */
  tags: jobTagsSchema.default([]),
  /**
   * `ref_protected`: GitLab gives the profile's runners jobs of protected branches and tags only, so that no other job
   * can ever have their role. A job of another ref that a mapping sends there is not started, and `doctor` says so.
   * Else a runner takes jobs of every ref.
   * Source: https://docs.gitlab.com/ci/runners/configure_runners/#prevent-runners-from-revealing-sensitive-information
   */
  accessLevel: z.enum(['not_protected', 'ref_protected']).default('not_protected'),
  /** AWS tags of the runner's resources, beside the deployment's. */
  resourceTags: resourceTagsSchema.default({}),
  /**
   * Whether a job that this profile should have run, and that failed on a runner of another one, is retried, once.
   * GitLab gives a job to any runner that fits its tags; profiles with jobs of tags of their own never need it. The
   * access token needs the scope `api`.
   */
  retryMisplaced: z.boolean().default(false),
};
