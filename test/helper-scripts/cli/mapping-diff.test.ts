import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeChange, describeRow, diffMappings } from '../../../helper-scripts/cli/mapping-diff.ts';

const row = (job: string, changes: object = {}) => ({ pk: `job#${job}`, sk: 'tags#', type: 'IGNORE', ...changes });

describe('the difference between a table and a file', () => {
  it('is what is added, changed, unchanged, and missing in the file', () => {
    const diff = diffMappings([row('a'), row('b'), row('c')], [row('b'), row('c', { type: 'EC2' }), row('d')]);
    expect(diff).toEqual({
      added: [row('d')],
      changed: [{ before: row('c'), after: row('c', { type: 'EC2' }) }],
      unchanged: [row('b')],
      missing: [row('a')],
    });
  });

  it('sees a change anywhere in a row, and none in the order of its attributes', () => {
    const before = row('a', { note: { list: [1, { x: 'y' }] } });
    expect(diffMappings([before], [{ note: { list: [1, { x: 'y' }] }, ...row('a') }]).changed).toEqual([]);
    expect(diffMappings([before], [row('a', { note: { list: [1, { x: 'z' }] } })]).changed).toHaveLength(1);
    expect(diffMappings([before], [row('a')]).changed).toHaveLength(1);
  });

  it('tells rows apart by both keys', () => {
    const table = [
      { pk: 'job#a tags#', sk: 'tags#' },
      { pk: 'job#a', sk: 'tags#' },
    ];
    expect(diffMappings(table, [{ pk: 'job#a', sk: 'tags# tags#' }]).missing).toEqual(table);
  });

  it('leads from any table to any file', () => {
    const tables = fc
      .uniqueArray(
        fc.record({ job: fc.constantFrom('a', 'b', 'c', 'd', 'e'), type: fc.constantFrom('IGNORE', 'EC2') }),
        {
          selector: ({ job }) => job,
        },
      )
      .map((rows) => rows.map(({ job, type }) => row(job, { type })));
    const byKey = (rows: readonly { pk: string }[]) => new Map(rows.map((one) => [one.pk, one]));
    fc.assert(
      fc.property(tables, tables, (table, file) => {
        const { added, changed, missing } = diffMappings(table, file);
        const after = byKey([...table, ...added, ...changed.map((pair) => pair.after)]);
        for (const { pk } of missing) after.delete(pk);
        expect(after).toEqual(byKey(file));
      }),
    );
  });
});

describe('in words', () => {
  it('a change is what was and what is', () => {
    const after = row('a', { type: 'EC2', note: { by: 'ann' } });
    expect(describeChange(row('a', { old: 1 }), after)).toBe(
      'type: IGNORE -> EC2, old: 1 -> (none), note: (none) -> {"by":"ann"}',
    );
  });

  it.each([
    [row('a'), 'job#a tags#  IGNORE'],
    [row('a', { type: 'EC2' }), 'job#a tags#  EC2 default'],
    [row('a', { type: 'LAMBDA', arn: 'shell', maxConcurrent: 2 }), 'job#a tags#  LAMBDA shell, maxConcurrent 2'],
    [row('a', { type: 'EC2', profile: 'big', project: 'g/*' }), 'job#a tags#  EC2 big, project g/*'],
  ])('a row is its keys and what it does', (item, words) => {
    expect(describeRow(item)).toBe(words);
  });
});
