import { createInterface } from 'node:readline/promises';
import { UsageError } from './usage-error.ts';

/**
 * Asks a person before something is done that cannot be undone.
 *
 * @param why what it would break.
 * @throws {UsageError} when the answer is not yes, or nobody is there to answer.
 */
export async function confirm(why: string, { input = process.stdin, output = process.stderr } = {}): Promise<void> {
  if (!input.isTTY) throw new UsageError(`Not done: ${why}. Give --yes to do it all the same`);
  // The terminal's own line editing is enough, and needs nothing that steers it.
  const lines = createInterface({ input, output, terminal: false });
  try {
    const answer = await lines.question(`${why}. Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Not done');
  } finally {
    lines.close();
  }
}
