/**
 * Which projects' jobs are looked at. `pattern` is one regular expression over `group/project`, made at synth time from
 * the deployment's `allowedProjects`, so that the hot path carries no glob library; empty means every project.
 */
export type ProjectFilter = (projectPath: string | null) => ProjectVerdict;

export type ProjectVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** Makes the filter. @throws {SyntaxError} when `pattern` is no regular expression. */
export function createProjectFilter(pattern: string): ProjectFilter {
  if (pattern === '') return () => ({ allowed: true });
  // GitLab's paths do not differ by case alone.
  const allowed = new RegExp(pattern, 'i');
  return (projectPath) => {
    if (projectPath === null) {
      // A list that lets the unknown through would not be a list.
      return { allowed: false, reason: 'the path of the project is not told, and allowedProjects needs one' };
    }
    if (allowed.test(projectPath)) return { allowed: true };
    return { allowed: false, reason: `project ${projectPath} is not in allowedProjects` };
  };
}
