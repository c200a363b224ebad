import { tagValueOf } from '../../../infrastructure/kit/aws/tag-value.ts';
import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';

/** Tag with the profile's name, on instance, volume and network interface. */
export const profileTag = 'gitlab-runners-on-demand:profile';

/** Tag with the id of the launch group that an instance came from. */
export const launchGroupTag = 'gitlab-runners-on-demand:launch-group';

/** Tags that say for which job an instance was launched; GitLab may give it another one. */
export const jobTagKeys = [
  'gitlab-runners-on-demand:project',
  'gitlab-runners-on-demand:pipeline',
  'gitlab-runners-on-demand:job',
] as const;

/** The tags of a job: its project (the path where it is known), pipeline and id. */
export function jobTagsOf(event: JobEvent): Readonly<Record<string, string>> {
  const [project, pipeline, job] = jobTagKeys;
  return {
    [project]: tagValueOf(event.projectPath || String(event.projectId)),
    ...(event.pipelineId === null ? {} : { [pipeline]: String(event.pipelineId) }),
    [job]: String(event.jobId),
  };
}

/**
 * Tag by which a person holds an instance back, to look into it: the reconciler leaves it alone and reports it. Any
 * value.
 */
export const holdTag = 'gitlab-runners-on-demand:hold';
