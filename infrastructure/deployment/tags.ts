import { z } from 'zod';
import type { Fault } from './faults.ts';

/** AWS allows 50 on a resource: the deployment's, the profile's, our own and EC2's. */
const mostTags = 20;
/** Without `\p`, which JSON schemas do not know everywhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const allowedCharacters = /^[^\x00-\x1f!"#$%&'()*,;<>?[\\\]^`{|}~\x7f]*$/;
const allowed = 'letters, digits, spaces and _.:/=+-@';

/**
 * What every service takes: Image Builder knows fewer signs than others.
 * Source: https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_TagResource.html
 */
const key = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9_.:/=+-]*$/, "a tag's name has letters of the English alphabet, digits and _.:/=+-")
  .refine((name) => !/^aws:/i.test(name), { error: 'names that begin with "aws:" are AWS\'s own; choose another' })
  .refine((name) => !/^gitlab-runners-on-demand:/i.test(name), {
    error: 'names that begin with "gitlab-runners-on-demand:" are this project\'s own; choose another',
  });
const value = z
  .string()
  .min(1, 'not every service takes a tag without a value; write one')
  .max(256)
  .regex(allowedCharacters, `a tag's value has ${allowed}`)
  .refine((text) => !/^aws:/i.test(text), { error: 'values that begin with "aws:" are AWS\'s own; choose another' });

/**
 * Tags of one's own, for bills and rules.
 * Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
 */
export const resourceTagsSchema = z
  .record(key, value)
  .refine((tags) => Object.keys(tags).length <= mostTags, { error: `has more than ${mostTags} tags; remove some` })
  .refine((tags) => alikePairs(Object.keys(tags)).length === 0, {
    error: 'has two names that differ in upper and lower case alone, which are one to IAM; remove one',
  });

type Tags = Readonly<Record<string, string>>;

/** Resources of a profile have the deployment's tags too. */
export function sharedTagFaults(
  tags: Tags,
  profiles: Readonly<Record<string, { readonly resourceTags: Tags }>>,
): Fault[] {
  return Object.entries(profiles).flatMap(([name, { resourceTags }]) =>
    alikePairs([...new Set([...Object.keys(tags), ...Object.keys(resourceTags)])]).map(([its, own]) => ({
      path: ['profiles', name, 'resourceTags', own],
      message: `is "${its}" of the deployment but for upper and lower case, and IAM takes both for one; write it as "${its}"`,
    })),
  );
}

/** Names that are the same to who does not look at the case. */
function alikePairs(names: readonly string[]): (readonly [string, string])[] {
  return names.flatMap((name, index) => {
    const first = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    return first < index ? [[names[first] ?? '', name] as const] : [];
  });
}
