/** What of the deployment's profiles says which jobs are theirs without any row. */
export type TaggedProfiles = Readonly<Record<string, { readonly tags?: readonly string[] | undefined }>>;

/**
 * The profile whose tags are all on the job: of several the one with most tags, of equally many the one whose name
 * sorts first. Null when no profile's are. Profiles without tags get jobs by rows alone.
 */
export function profileOfTags(jobTags: readonly string[], profiles: TaggedProfiles): string | null {
  const onJob = new Set(jobTags);
  let best: { readonly name: string; readonly count: number } | null = null;
  for (const [name, { tags = [] }] of Object.entries(profiles)) {
    if (tags.length === 0 || !tags.every((tag) => onJob.has(tag))) continue;
    const count = tags.length;
    if (best === null || count > best.count || (count === best.count && name < best.name)) best = { name, count };
  }
  return best?.name ?? null;
}

/** Says whether a profile gets jobs by their tags, so that no job is anybody else's before its tags are known. */
export function areTagged(profiles: TaggedProfiles): boolean {
  return Object.values(profiles).some(({ tags = [] }) => tags.length > 0);
}
