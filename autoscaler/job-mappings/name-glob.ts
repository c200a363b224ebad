/** Length of the part of a glob before its first wildcard. */
export function prefixLength(glob: string): number {
  const at = glob.search(/[*?]/u);
  return at === -1 ? glob.length : at;
}

/** How much of a glob is no wildcard, in characters. */
export function literalLength(glob: string): number {
  return [...glob.replace(/[*?]/gu, '')].length;
}

/**
 * Says whether a job's name fits a glob. Job names are no paths: they hold blanks, colons, brackets and slashes, so
 * only `*` (anything, also nothing) and `?` (one character) are special. Whatever somebody wrote, it takes at most
 * `glob.length * name.length` steps: only the last star is ever tried again, since an earlier one cannot do better. A
 * regular expression would try them all, and one row could hold up every job.
 */
export function matchesNameGlob(glob: string, name: string): boolean {
  let globAt = 0;
  let nameAt = 0;
  let starAt = -1;
  let starEnds = 0;
  while (nameAt < name.length) {
    const wanted = glob[globAt];
    if (wanted === '*') {
      starAt = globAt;
      starEnds = nameAt;
      globAt += 1;
    } else if (wanted === '?') {
      nameAt += (name.codePointAt(nameAt) ?? 0) > 0xff_ff ? 2 : 1;
      globAt += 1;
    } else if (wanted === name[nameAt]) {
      nameAt += 1;
      globAt += 1;
    } else if (starAt !== -1) {
      starEnds += 1;
      nameAt = starEnds;
      globAt = starAt + 1;
    } else {
      return false;
    }
  }
  while (glob[globAt] === '*') globAt += 1;
  return globAt === glob.length;
}
