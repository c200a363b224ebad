import picomatch from 'picomatch';

/** Far more than any path in GitLab has. */
const longestGlobCharacters = 1_024;
/** `**` as a whole part of the path. */
const mostGlobstars = 3;
/**
 * Of one part of the path, the first `*` costs nothing, and each further one multiplies the ways to try by the part's
 * length.
 */
const mostFurtherStars = 2;

const letters = String.raw`\p{L}\p{N}_.\-`;

/**
 * Why a project cannot be matched, or null. What may stand in a path of GitLab and the wildcards `*`, `**`, `?`,
 * `{a,b}`, `[ab]`, `[!ab]` are allowed; groups and repetitions are not, since a regular expression with `+(a*)` takes
 * minutes for thirty letters, and one row may not hold up every job. What no path can ever match is a fault as well: it
 * would look valid and do nothing.
 */
export function projectGlobFault(glob: string): string | null {
  if (!new RegExp(`^(?!\\.?/)[${letters}/*?{},[\\]!^]+$`, 'u').test(glob)) {
    return 'must be the path of a project, or a glob of letters, digits, "_", "-", ".", "/" and the wildcards * ** ? {a,b} [ab]';
  }
  if (glob.length > longestGlobCharacters) return `may not be longer than ${longestGlobCharacters} characters`;
  return costFault(glob) ?? placeFault(glob) ?? bracketFault(glob);
}

/**
 * The regular expression of a glob without faults, for paths of any case: `*` stays within a part of the path, `**`
 * does not.
 */
export function projectGlobSource(glob: string): string {
  // picomatch takes the "!" of "[!a]" for a letter, and lets "[^a]" be a slash.
  return picomatch.makeRe(glob.replace(/\[[!^]/gu, '[^/'), { dot: true }).source;
}

function placeFault(glob: string): string | null {
  if (glob.endsWith('/')) return 'a path does not end with a slash; remove it, or write group/** for all of a group';
  if (glob.includes('//')) return 'has an empty part between two slashes, which no path has; remove one slash';
  if (glob.includes('/') || glob === '**') return null;
  return 'a project is in a group; write group/project, or group/** for all of a group';
}

function bracketFault(glob: string): string | null {
  let rest = glob.replace(/^!/u, '').replace(new RegExp(`\\[[!^]?[${letters}]+\\]`, 'gu'), 'x');
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(/\{(?![^{}]*\.\.)[^{},]*(?:,[^{},]*)+\}/gu, 'x');
  }
  const odd = /[[\]{},!^]/u.exec(rest)?.[0];
  if (odd !== undefined) return `has a "${odd}" that belongs to no {a,b} or [ab], and that no path has; remove it`;
  // An order that is none, such as [z-a].
  return projectGlobSource(glob) === '$^'
    ? 'holds a range that is none; write its letters in order, such as [a-z]'
    : null;
}

function costFault(glob: string): string | null {
  const stars = glob.split('/').map((part) => (part === '**' ? 0 : (part.match(/\*+/g)?.length ?? 0)));
  const furtherStars = stars.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const globstars = glob.split('/').filter((part) => part === '**').length;
  return furtherStars > mostFurtherStars || globstars > mostGlobstars ? 'has too many * to be matched quickly' : null;
}
