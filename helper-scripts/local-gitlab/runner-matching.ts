import type { Job } from './job.ts';
import type { Pipeline, Project } from './project.ts';
import type { Runner } from './runner.ts';

/** A job with what decides who may run it. */
export interface Candidate {
  readonly job: Job;
  readonly project: Project;
  readonly pipeline: Pipeline;
  /** How many jobs of the project instance runners have now. */
  readonly onInstanceRunners: number;
}

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

/** Whether a runner may run a job, once that waits for one. */
export function mayRun(runner: Runner, { job, project, pipeline }: Omit<Candidate, 'onInstanceRunners'>): boolean {
  if (runner.accessLevel === 'ref_protected' && !isProtected(project, pipeline)) return false;
  return takesTags(runner, job.plan.tags) && isInScope(runner, project);
}

/**
 * The pending job that a runner gets: the lowest id of those that it may run. Instance runners serve projects first of
 * whose jobs they have the fewest. So GitLab orders `ci_pending_builds`.
 */
export function chooseJob(runner: Runner, candidates: readonly Candidate[]): Job | undefined {
  if (runner.paused) return undefined;
  const isFair = runner.type === 'instance_type';
  const fitting = candidates.filter((candidate) => candidate.job.status === 'pending' && mayRun(runner, candidate));
  const [first] = fitting.sort(
    (a, b) => (isFair ? a.onInstanceRunners - b.onInstanceRunners : 0) || a.job.id - b.job.id,
  );
  return first?.job;
}

/** Whether one of the project's protected names or wildcards is the branch's or tag's: `*` is anything, slashes too. */
export function isProtected(
  { protectedRefs }: Pick<Project, 'protectedRefs'>,
  { ref, refType }: Pick<Pipeline, 'ref' | 'refType'>,
): boolean {
  return protectedRefs[refType].some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/gu, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 'su').test(ref);
  });
}
