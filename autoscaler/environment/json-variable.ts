import * as z from 'zod/mini';

const nonEmpty = z.string().check(z.minLength(1));

/** Parses JSON inside an environment variable. */
export function json<Schema extends z.ZodMiniType>(schema: Schema) {
  return z.pipe(
    z.pipe(
      nonEmpty,
      z.transform((text, context) => {
        try {
          return JSON.parse(text) as unknown;
        } catch {
          context.issues.push({ code: 'custom', message: 'is not JSON', input: text });
          return z.NEVER;
        }
      }),
    ),
    schema,
  );
}
