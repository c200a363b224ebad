import { z } from 'zod';
import type { Fault } from '../faults.ts';
import { distinct } from '../lists.ts';

const lists = 'write a list of the tags that jobs have in .gitlab-ci.yml, such as ["shell"]';

const jobTagSchema = z
  .string()
  .min(1)
  .max(255)
  .refine((tag) => tag === tag.trim() && !tag.includes(','), {
    error: "GitLab's tags have no comma, and no blank around them; remove it",
  });

/** Tags of jobs, as `.gitlab-ci.yml` says them. */
export const jobTagsSchema = distinct(jobTagSchema, `${lists}; tags of AWS resources are "resourceTags"`);

type Tagged = { readonly tags: readonly string[] };

/** Two profiles with the same tags: nothing would say which of them a job goes to. */
export function equalTagsFaults(profiles: Readonly<Record<string, Tagged>>): Fault[] {
  const firstOf = new Map<string, string>();
  return Object.entries(profiles).flatMap(([name, { tags }]) => {
    if (tags.length === 0) return [];
    const key = JSON.stringify([...tags].sort());
    const first = firstOf.get(key);
    if (first === undefined) {
      firstOf.set(key, name);
      return [];
    }
    const message = `are those of the profile "${first}" too, so that nothing says whose a job with them is; give one of the two tags of its own, or none: []`;
    return [{ path: ['profiles', name, 'tags'], message }];
  });
}
