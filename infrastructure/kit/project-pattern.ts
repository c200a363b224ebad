import { projectGlobSource } from './project-glob.ts';

/** A function's whole environment may have 4 KiB; this leaves room for the rest. */
const longestPatternCharacters = 3_000;

/** `allowedProjects` is too long for the environment of the ingest Lambda. */
export class ProjectPatternTooLongError extends Error {
  override readonly name = 'ProjectPatternTooLongError';
}

/**
 * One regular expression for all paths and globs of `allowedProjects` (`*` stays within a part of the path, `**` does
 * not); the empty text when there are none. Made at synth time.
 *
 * @throws {ProjectPatternTooLongError}
 */
export function projectPatternOf(allowedProjects: readonly string[]): string {
  const pattern = allowedProjects.map(projectGlobSource).join('|');
  if (pattern.length <= longestPatternCharacters) return pattern;
  throw new ProjectPatternTooLongError(
    `allowedProjects makes a pattern of ${pattern.length} characters, and ${longestPatternCharacters} fit: name groups (group/**) instead of single projects`,
  );
}
