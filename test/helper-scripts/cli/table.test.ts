import { describe, expect, it } from 'vitest';
import { printable, renderTable } from '../../../helper-scripts/cli/table.ts';

describe('a table', () => {
  it('has a head and aligned columns, and no space at the ends of lines', () => {
    expect(
      renderTable(
        ['job', 'type'],
        [
          ['a', 'EC2'],
          ['longer', undefined],
        ],
        false,
      ),
    ).toBe('job     type\na       EC2\nlonger');
  });

  it('has a bold head on a terminal, and none when there is none', () => {
    expect(renderTable(['job'], [['a']], true)).toContain('\u001B[');
    expect(renderTable([], [['a', 'b']], false)).toBe('a  b');
  });

  it('of thousands of rows has them all, aligned and in full', () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => [
      `job ${index}`,
      index % 7 === 0 ? '部署 🚀' : 'plain',
      'end',
    ]);
    const lines = renderTable(['job', 'name', 'last'], rows, false).split('\n');
    expect(lines.length).toBe(3_001);
    expect(lines[0]).toMatch(/^job {7}name +last$/u);
    for (const [index, [job, name]] of rows.entries()) {
      expect(lines[index + 1]).toMatch(new RegExp(`^${job} +${name} +end$`, 'u'));
    }
    const plain = lines.filter((line) => line.includes('plain')).map((line) => line.indexOf('end'));
    expect(new Set(plain).size).toBe(1);
  });
});

describe('text from elsewhere', () => {
  it('cannot steer the terminal, nor break a line', () => {
    expect(printable('a\nb\t\u001B[2J\u0085\u2028ü🚀')).toBe('a\\nb\\t\\u001b[2J\\u0085\\u2028ü🚀');
  });

  it('cannot look like another text: what turns it round, hides a part or shows nothing is spelled out', () => {
    expect(printable('safe\u202Etxt.exe')).toBe('safe\\u202etxt.exe');
    expect(printable('a\u2066b\u2069\u200F\u061C\u200B\uFEFF\u00AD\uD800')).toBe(
      'a\\u2066b\\u2069\\u200f\\u061c\\u200b\\ufeff\\u00ad\\ud800',
    );
    expect(printable('x\u{E0041}')).toBe('x\\udb40\\udc41');
  });
});
