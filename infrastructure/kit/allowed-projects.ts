import { createProjectFilter, type ProjectFilter } from './project-filter.ts';
import { projectPatternOf } from './project-pattern.ts';

/** Whether a project is one of `allowedProjects`, by its path as GitLab tells it; each is when there are none. */
export function allowedProjectsFilter(allowedProjects: readonly string[]): ProjectFilter {
  return createProjectFilter(projectPatternOf(allowedProjects));
}
