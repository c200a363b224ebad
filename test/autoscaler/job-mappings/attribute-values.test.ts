import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NotStorableError, plainItemOf, storedItemOf } from '../../../autoscaler/job-mappings/attribute-values.ts';
import { storedItems } from './attribute-arbitrary.ts';

describe('an item of the table', () => {
  it('is the same again after a way through JSON, whatever it holds', () => {
    fc.assert(
      fc.property(storedItems, (item) => {
        expect(storedItemOf(JSON.parse(JSON.stringify(plainItemOf(item))))).toEqual(item);
      }),
      { numRuns: 500 },
    );
  });

  it('is written as people would write it', () => {
    const item = {
      pk: { S: 'job#a' },
      maxConcurrent: { N: '3' },
      note: { M: { by: { S: 'ann' }, seen: { L: [{ BOOL: true }, { NULL: true as const }] } } },
    };
    expect(plainItemOf(item)).toEqual({ pk: 'job#a', maxConcurrent: 3, note: { by: 'ann', seen: [true, null] } });
  });

  it('keeps what JSON has no form for under one key', () => {
    const item = { set: { SS: ['b', 'a'] }, long: { N: '12345678901234567890' }, raw: { B: new Uint8Array([1, 2]) } };
    expect(plainItemOf(item)).toEqual({
      set: { $dynamodb: { SS: ['a', 'b'] } },
      long: { $dynamodb: { N: '12345678901234567890' } },
      raw: { $dynamodb: { B: 'AQI=' } },
    });
  });

  it('of equal sets of binary data looks equal, in whatever order they come', () => {
    const [one, two] = [new Uint8Array([1]), new Uint8Array([2])];
    expect(plainItemOf({ set: { BS: [one, two] } })).toEqual(plainItemOf({ set: { BS: [two, one] } }));
    expect(storedItemOf(plainItemOf({ set: { BS: [two, one] } }))).toEqual({ set: { BS: [one, two] } });
  });

  it.each([[{}], [{ Z: 1 }], [{ S: undefined }]])('is read even with the value %j', (value) => {
    expect(() => plainItemOf({ value })).not.toThrow();
  });
});

describe('a value that cannot be stored', () => {
  it.each([
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
    ['rounded already', 2 ** 53],
    ['too small for DynamoDB', 1e-200],
    ['undefined', undefined],
    ['a function', () => 1],
    ['an empty set', { $dynamodb: { SS: [] } }],
    ['a set of numbers that are none', { $dynamodb: { NS: ['x'] } }],
    ['two at once', { $dynamodb: { N: '1', S: 'x' } }],
    ['an unknown type', { $dynamodb: { Z: 'x' } }],
    ['nothing at all', { $dynamodb: null }],
  ])('because it is %s is refused, with its place', (_, value) => {
    expect(() => storedItemOf({ note: { deep: [value] } })).toThrow(NotStorableError);
    expect(() => storedItemOf({ note: { deep: [value] } })).toThrow(/^note\.deep\.0: /);
  });
});
