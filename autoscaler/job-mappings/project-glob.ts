import picomatch from 'picomatch';
import { literalLength } from './name-glob.ts';

/** Far more than any path in GitLab has. */
const longestGlobCharacters = 1_024;
/** `**` as a whole part of the path. */
const mostGlobstars = 3;
/** Of one part of the path, the first `*` costs nothing, and each further one multiplies the ways to try by the part's length. */
const mostFurtherStars = 2;

/**
 * Why a project cannot be matched, or null. What may stand in a path of GitLab and the wildcards `*`, `**`, `?`, `{a,b}`, `[ab]` are
 * allowed; groups and repetitions are not, since a regular expression with `+(a*)` takes minutes for thirty letters, and one row may
 * not hold up every job.
 */
export function projectGlobFault(glob: string): string | null {
  if (!/^(?!\.?\/)[\p{L}\p{N}_.\-/*?{},[\]!^]+$/u.test(glob)) {
    return 'must be the path of a project, or a glob of letters, digits, "_", "-", ".", "/" and the wildcards * ** ? {a,b} [ab]';
  }
  if (glob.length > longestGlobCharacters) return `may not be longer than ${longestGlobCharacters} characters`;
  const stars = glob.split('/').map((part) => (part === '**' ? 0 : (part.match(/\*+/g)?.length ?? 0)));
  const furtherStars = stars.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const globstars = glob.split('/').filter((part) => part === '**').length;
  return furtherStars > mostFurtherStars || globstars > mostGlobstars ? 'has too many * to be matched quickly' : null;
}

export type ProjectGlob = {
  /** How much of it is no wildcard: of two that match, the longer one is more specific. */
  readonly literalLength: number;
  readonly matches: (projectPath: string) => boolean;
};

/** Makes a glob ready for many paths: `*` stays within a part of the path, `**` does not. What cannot be a glob matches nothing. */
export function compileProjectGlob(glob: string): ProjectGlob {
  // Without its last slash: "group/**" is also "group" itself.
  const prefix = (/^[^*?{[!(]*/u.exec(glob)?.[0] ?? '').replace(/\/$/u, '');
  let matchesRest: ((projectPath: string) => boolean) | undefined;
  return {
    literalLength: literalLength(glob),
    matches(projectPath) {
      // Compiling is what costs most: a table with thousands of projects needs it for the few that begin like the job's.
      if (!projectPath.startsWith(prefix)) return false;
      matchesRest ??= projectGlobFault(glob) === null ? picomatch(glob, { dot: true }) : () => false;
      return matchesRest(projectPath);
    },
  };
}
