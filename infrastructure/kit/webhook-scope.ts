import type { JobEvent } from './job-event.ts';

/** Whether a project is the one that `scope` names, or in the group that it names, in upper or lower case. */
export function isInScope(projectPath: string | null, scope: string): boolean {
  const path = projectPath?.toLowerCase() ?? '';
  const own = scope.toLowerCase();
  return path === own || path.startsWith(`${own}/`);
}

/**
 * Whether a hook may concern a project, by the path that GitLab tells of it. The hook's own word is not enough: whoever
 * holds the secret of one project can sign a hook with that project's path and another one's number.
 */
export function mayConcern({ provedFor }: JobEvent, projectPath: string | null): boolean {
  return provedFor === undefined || isInScope(projectPath, provedFor);
}

/** Why it may not. */
export function notProvedFor({ provedFor }: JobEvent): string {
  return `the hook was proved by the webhook secret of ${provedFor}, and its job is in another project`;
}
