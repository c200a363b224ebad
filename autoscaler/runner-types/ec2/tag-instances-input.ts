import * as z from 'zod/mini';

const instanceTagsSchema = z.object({ instanceId: z.string(), tags: z.record(z.string(), z.string()) });

/** A message of the tag queue. */
export const tagMessageSchema = z.object({ instances: z.array(instanceTagsSchema) });

/** What the queue hands over. */
export const tagBatchSchema = z.object({ Records: z.array(z.object({ body: z.string() })) });

/** An instance and the tags that it is to have. */
export type InstanceTags = { readonly instanceId: string; readonly tags: Readonly<Record<string, string>> };
