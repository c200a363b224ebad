import { describe, expect, it } from 'vitest';
import { tagsOfSortKey } from '../../../autoscaler/job-mappings/tags-key.ts';
import { mappingKeyOf, tagsOfList } from '../../../helper-scripts/cli/mapping-item.ts';
import { addressedRows, describeAddress, type RowAddress } from '../../../helper-scripts/cli/mapping-rows.ts';

const rows = ['tags#', 'tags#aws#big', 'tags#big#aws', 'aws'].map((sk) => ({ pk: 'job#build', sk, type: 'IGNORE' }));
const table = { readName: async (pk: string) => rows.filter((row) => row.pk === pk) };
const found = async (address: RowAddress) => (await addressedRows(table, address)).map(({ sk }) => sk);

describe('rows are addressed', () => {
  it.each([
    [{ job: 'build' }, ['tags#', 'tags#aws#big', 'tags#big#aws', 'aws']],
    [{ job: 'build', tags: '' }, ['tags#']],
    [{ job: 'build', tags: 'big, aws' }, ['tags#aws#big', 'tags#big#aws']],
    [{ job: 'build', sk: 'aws' }, ['aws']],
    [{ pk: 'job#build', sk: 'tags#big#aws' }, ['tags#big#aws']],
    [{ job: 'test' }, []],
    [{ pk: 'build' }, []],
  ])('by %j', async (address, keys) => {
    expect(await found(address)).toEqual(keys);
  });

  it.each([{}, { job: 'a', pk: 'job#a' }, { job: 'a', tags: 'x', sk: 'tags#x' }])('not by %j', async (address) => {
    await expect(found(address)).rejects.toThrow(/Name a job|not both/);
  });

  it('in words as in keys', () => {
    expect(describeAddress({ job: 'a', tags: 'y,x' })).toBe('the job name "a" and the tags x, y');
    expect(describeAddress({ job: 'a', tags: '' })).toBe('the job name "a" without tags');
    expect(describeAddress({ pk: 'x', sk: 'y' })).toBe('pk "x" and sk "y"');
  });
});

describe('tags', () => {
  it('make the same key in whatever order and however often they are named', () => {
    expect(mappingKeyOf('a', tagsOfList(' big,aws,,big '))).toEqual({ pk: 'job#a', sk: 'tags#aws#big' });
    expect(mappingKeyOf('*', tagsOfList(''))).toEqual({ pk: 'job#*', sk: 'tags#' });
  });

  it('are read from a key as jobs are held against it', () => {
    expect(tagsOfSortKey('tags#b#a##b')).toEqual(['a', 'b']);
    expect(tagsOfSortKey(mappingKeyOf('a', ['c#', 'aws']).sk)).toEqual(['aws', 'c#']);
  });
});
