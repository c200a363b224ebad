/** In one look, so that it ends in time, and two calls each; whatever else is not known counts as not protected. */
const mostAsked = 10;

/**
 * Asks GitLab which of these branches and tags are protected, and adds the answers to `known`. Only where somebody
 * would be let go, or stay so, that had to wait if they were. False when there is nothing new to be asked.
 */
export async function askProtection(
  projectId: number,
  unsureRefs: readonly string[],
  known: Map<string, boolean>,
  gitlab: { isProtectedRef(projectId: number, ref: string): Promise<boolean> },
): Promise<boolean> {
  const refs = unsureRefs.filter((ref) => !known.has(ref)).slice(0, mostAsked - known.size);
  const answers = await Promise.all(refs.map((ref) => gitlab.isProtectedRef(projectId, ref)));
  refs.forEach((ref, index) => {
    known.set(ref, answers[index] === true);
  });
  return refs.length > 0;
}
