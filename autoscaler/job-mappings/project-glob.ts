import { projectGlobFault, projectGlobSource } from '../../infrastructure/kit/project-glob.ts';
import { literalLength } from './name-glob.ts';

export type ProjectGlob = {
  /** How much of it is no wildcard: of two that match, the longer one is more specific. */
  readonly literalLength: number;
  readonly matches: (projectPath: string) => boolean;
};

/** Makes a glob ready for many paths, whose case is none to GitLab. What cannot be a glob matches nothing. */
export function compileProjectGlob(glob: string): ProjectGlob {
  // Without its last slash: "group/**" is also "group" itself.
  const prefix = (/^[^*?{[!(]*/u.exec(glob)?.[0] ?? '').replace(/\/$/u, '').toLowerCase();
  let expression: RegExp | null | undefined;
  return {
    literalLength: literalLength(glob),
    matches(projectPath) {
      // Compiling is what costs most: a table with thousands of projects needs it for the few that begin like the
      // job's.
      if (!projectPath.toLowerCase().startsWith(prefix)) return false;
      expression ??= projectGlobFault(glob) === null ? new RegExp(projectGlobSource(glob), 'i') : null;
      return expression?.test(projectPath) ?? false;
    },
  };
}
