/** What stands for a character that has a meaning in a key, and the "%" of what would else read as one. */
const codes: Readonly<Record<string, string>> = { '%23': '#', '%2C': ',', '%25': '%' };

/**
 * The tags of a row's `sk`: `tags#aws#big`. A "#" that belongs to a tag is written `%23`, a comma `%2C`, and a "%"
 * before these digits `%25`. Blanks around a tag, which GitLab's never have, were left by a person's hand.
 */
export function tagsOfSortKey(sk: string): string[] {
  const tags = partsOf(sk).map((part) => part.trim().replace(/%(?:23|2C|25)/gu, (code) => codes[code] ?? code));
  return [...new Set(tags.filter(Boolean))].sort();
}

/** The `sk` of a row for these tags, such that {@link tagsOfSortKey} reads them back. */
export function sortKeyOfTags(tags: readonly string[]): string {
  const parts = [...tags].sort().map((tag) => {
    return tag
      .replace(/%(?=23|2C|25)/gu, '%25')
      .replaceAll('#', '%23')
      .replaceAll(',', '%2C');
  });
  return `tags#${parts.join('#')}`;
}

/** Tags that no job has, as far as can be told: each would be a row that waits for ever. */
export function tagFaults(sk: string): string[] {
  return partsOf(sk).flatMap((part) => {
    if (part.includes(',')) {
      return [`"${part}" is one tag with a comma; separate tags with "#", or write "%2C" for a comma that a tag has`];
    }
    // GitLab tells a job's tags with their variables' values.
    return /\$(\{|\w)/u.test(part) ? [`"${part}" names a variable, and is compared as it stands; write its value`] : [];
  });
}

/** Tags with blanks around them: read as meant, and better written without. */
export function blankFaults(sk: string): string[] {
  const padded = partsOf(sk).filter((part) => part !== part.trim());
  return padded.map((part) => `"${part}" has blanks around it; write "${part.trim()}"`);
}

function partsOf(sk: string): string[] {
  return sk.startsWith('tags#') ? sk.slice('tags#'.length).split('#') : [];
}
