import { z } from 'zod';

/**
 * A list whose entries differ from each other: AWS refuses most lists that name one thing twice.
 *
 * @param otherwise what to write instead of something that is no list.
 */
export function distinct<Entry extends z.ZodType<string>>(entry: Entry, otherwise?: string) {
  return z.array(entry, otherwise).refine((entries) => new Set(entries).size === entries.length, {
    error: ({ input }) =>
      `names ${JSON.stringify(firstRepeated(input as readonly unknown[]))} twice; remove one of them`,
  });
}

function firstRepeated(entries: readonly unknown[]): unknown {
  return entries.find((entry, index) => entries.indexOf(entry) < index);
}
