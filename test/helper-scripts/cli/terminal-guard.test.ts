import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTable } from '../../../helper-scripts/cli/table.ts';
import { guardTerminal, tameForTerminal } from '../../../helper-scripts/cli/terminal-guard.ts';

/** From Unicode: control, format, half of a pair, separators of lines and paragraphs. */
const steering = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const names = fc.string({ unit: 'binary', maxLength: 40 });

describe('what the command line writes on a terminal', () => {
  it('keeps line breaks, tables, bold heads and the empty screen of --watch', () => {
    const text = `\u001B[2J\u001B[H${renderTable(['job', 'name'], [['1', 'ü🚀']], true)}\n`;
    expect(tameForTerminal(text)).toBe(text);
  });

  it('has nothing else that steers it, whatever a job or project is called', () => {
    fc.assert(
      fc.property(names, (name) => {
        const left = tameForTerminal(`Cannot start ${name}`).match(steering) ?? [];
        return left.every((character) => '\n\t'.includes(character));
      }),
      { seed: 14, numRuns: 3_000, examples: [['\u001B]0;title\u0007'], ['\u009B2J'], ['\u202E'], ['\u001B[1;31m']] },
    );
  });

  it('is the same JSON as before, spelled otherwise', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(JSON.parse(tameForTerminal(JSON.stringify({ name }, null, 2)))).toEqual({ name });
      }),
      { seed: 14, numRuns: 3_000 },
    );
  });

  it('is tamed on its way out, with or without an encoding or a callback, and bytes are left alone', () => {
    const written: unknown[] = [];
    const stream = { write: ((...words: unknown[]) => written.push(words) > 0) as NodeJS.WriteStream['write'] };
    guardTerminal(stream);
    const bytes = Buffer.from('\u009B');
    stream.write('a\u009B2J\n', 'utf8');
    stream.write(bytes);
    expect(written).toEqual([['a\\u009b2J\n', 'utf8'], [bytes]]);
  });
});
