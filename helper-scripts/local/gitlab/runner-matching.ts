import type { Job } from './job.ts';
import type { Project } from './project.ts';
import type { Runner } from './runner.ts';

/** Whether a runner may take jobs of a project at all. */
export function isInScope(runner: Runner, project: Project): boolean {
  switch (runner.type) {
    case 'instance_type':
      return true;
    case 'group_type':
      return runner.groupId !== null && project.groupIds.includes(runner.groupId);
    case 'project_type':
      return runner.projectId === project.id;
  }
}

/** Every tag of the job must be the runner's; a job without tags needs a runner that takes such. */
export function takesTags(runner: Pick<Runner, 'tags' | 'runUntagged'>, tags: readonly string[]): boolean {
  return tags.length === 0 ? runner.runUntagged : tags.every((tag) => runner.tags.includes(tag));
}

/** The oldest pending job that the runner may take. */
export function chooseJob(runner: Runner, jobs: Iterable<Job>, projectOf: (job: Job) => Project): Job | undefined {
  if (runner.paused) return undefined;
  return [...jobs]
    .filter((job) => job.status === 'pending' && takesTags(runner, job.plan.tags) && isInScope(runner, projectOf(job)))
    .sort((a, b) => a.id - b.id)[0];
}
