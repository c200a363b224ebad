import type { LambdaRunnerPayload } from '../infrastructure/kit/runner-ticket.ts';

/**
 * STS takes letters, digits, blanks and `_.:/=+-@`, at most 256 of them; of those, GitLab's paths have these.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
 */
const projectPath = /^[\w.-]+(?:\/[\w.-]+)+$/;
const longestValueCharacters = 256;

/**
 * The tags of a job's session, by which policies tell projects apart. A path that STS would refuse is left out and not
 * mended: what was replaced or cut off could be the path of another project, with that one's rights. The project's id
 * is always there.
 */
export function sessionTagsOf(job: LambdaRunnerPayload['job']): Readonly<Record<string, string>> {
  return {
    'gitlab-project-id': String(job.projectId),
    ...(isTaggable(job.projectPath) ? { 'gitlab-project': job.projectPath } : {}),
    'gitlab-job-id': String(job.jobId),
  };
}

function isTaggable(path: string | null): path is string {
  return path !== null && path.length <= longestValueCharacters && projectPath.test(path);
}
