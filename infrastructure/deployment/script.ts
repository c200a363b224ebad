import { z } from 'zod';

/**
 * As an editor of another system saves a text: with a byte order mark, and with a carriage return at the end of each
 * line.
 */
function unixText(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
}

/** A script for a shell of Linux, which takes a carriage return for a part of the line's last word. */
export const script = z
  .string()
  .overwrite(unixText)
  .min(1)
  .refine((text) => !/[^\P{Cc}\n\t]/u.test(text), {
    error: 'has a control character that is neither a line break nor a tab; remove it',
  });
