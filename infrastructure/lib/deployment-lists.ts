import { z } from 'zod';

/** A list whose entries differ from each other: AWS refuses most lists that name one thing twice. */
export function distinct<Entry extends z.ZodType<string>>(entry: Entry) {
  return z.array(entry).refine((entries) => new Set(entries).size === entries.length, {
    error: ({ input }) =>
      `names ${JSON.stringify(firstRepeated(input as readonly unknown[]))} twice; remove one of them`,
  });
}

function firstRepeated(entries: readonly unknown[]): unknown {
  return entries.find((entry, index) => entries.indexOf(entry) < index);
}
