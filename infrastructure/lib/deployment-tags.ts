import { z } from 'zod';

/** AWS allows 50 on a resource: the deployment's, the profile's, our own and EC2's. */
const mostTags = 20;
/** Without `\p`, which JSON schemas do not know everywhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const allowedCharacters = /^[^\x00-\x1f!"#$%&'()*,;<>?[\\\]^`{|}~\x7f]*$/;
const allowed = 'letters, digits, spaces and _.:/=+-@';

const key = z
  .string()
  .min(1)
  .max(128)
  .regex(allowedCharacters, `a tag's name has ${allowed}`)
  .refine((name) => !/^aws:/i.test(name), { error: 'names that begin with "aws:" are AWS\'s own; choose another' })
  .refine((name) => !name.startsWith('gitlab-runners-on-demand:'), {
    error: 'names that begin with "gitlab-runners-on-demand:" are this project\'s own; choose another',
  });
const value = z.string().max(256).regex(allowedCharacters, `a tag's value has ${allowed}`);

/**
 * Tags of one's own, for bills and rules.
 * Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
 */
export const resourceTagsSchema = z
  .record(key, value)
  .refine((tags) => Object.keys(tags).length <= mostTags, { error: `has more than ${mostTags} tags; remove some` });
