import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import { longestTimeoutMinutes } from '../../infrastructure/deployment/profiles/lambda-profile.ts';

/** Where a job may not fit the function that a mapping sends it to. What is in its `.gitlab-ci.yml` we cannot see. */
export function lambdaWarnings({
  target,
  timeoutMinutes,
}: Pick<JobMapping, 'target' | 'timeoutMinutes'>): readonly string[] {
  if (target.type !== 'LAMBDA') return [];
  return [
    'a function has a shell and no docker: GitLab Runner ignores "image:" and "services:" there, and a job that calls docker fails; map such jobs to an EC2 profile',
    timeoutMinutes !== undefined && timeoutMinutes > longestTimeoutMinutes
      ? `timeoutMinutes is ${timeoutMinutes}, and a job on a function lasts ${longestTimeoutMinutes} minutes at most (Lambda ends after 15)`
      : `the job is ended after the profile's timeoutMinutes, which are ${longestTimeoutMinutes} at most (Lambda ends after 15)`,
    ...(target.fallbackProfile === undefined
      ? ['without fallbackProfile the job is tried on the same function again when that did not give it a runner']
      : []),
  ];
}
