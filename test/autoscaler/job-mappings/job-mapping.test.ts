import { describe, expect, it } from 'vitest';
import { isUsable, readMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { sortKeyOfTags, tagsOfSortKey } from '../../../autoscaler/job-mappings/tags-key.ts';

const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';

describe('readMapping', () => {
  it('reads an item as older systems wrote it: pk, sk, type and arn', () => {
    expect(readMapping({ pk: 'job#build', sk: 'tags#linux#arm', type: 'LAMBDA', arn: functionArn })).toEqual({
      id: 'job#build tags#linux#arm',
      jobName: 'build',
      tags: ['arm', 'linux'],
      target: { type: 'LAMBDA', profile: functionArn },
    });
  });

  it('reads every attribute of the format', () => {
    const item = {
      pk: 'job#deploy-*',
      sk: 'tags#prod',
      type: 'EC2',
      profile: 'large',
      project: 'group/*',
      maxConcurrent: 3,
      timeoutMinutes: 90,
      exact: 'always',
      variables: { A: 'b' },
      note: 'written by hand',
    };
    expect(readMapping(item)).toEqual({
      id: 'job#deploy-* tags#prod',
      jobName: 'deploy-*',
      tags: ['prod'],
      project: 'group/*',
      target: { type: 'EC2', profile: 'large' },
      maxConcurrent: 3,
      timeoutMinutes: 90,
      exact: 'always',
    });
  });

  it('takes the profile "default" for an EC2 mapping that names none', () => {
    const target = { type: 'EC2', profile: 'default' };
    expect(readMapping({ pk: 'job#a', sk: 'tags#', type: 'EC2' })).toMatchObject({ target, tags: [] });
  });

  it('reads an IGNORE mapping without any target', () => {
    expect(readMapping({ pk: 'job#*', sk: 'tags#', type: 'IGNORE' })).toMatchObject({
      jobName: '*',
      target: { type: 'IGNORE' },
    });
  });

  it('keeps "#" in a job name, since only the first one is a separator', () => {
    expect(readMapping({ pk: 'job#c#-build', sk: 'tags#', type: 'EC2' })).toMatchObject({ jobName: 'c#-build' });
  });

  it('reads tags without the blanks around them, which GitLab’s never have', () => {
    expect(readMapping({ pk: 'job#a', sk: 'tags#aws # big runner#', type: 'EC2' })).toMatchObject({
      tags: ['aws', 'big runner'],
    });
  });

  it('reads "%23" in a tag as the "#" that the tag has', () => {
    expect(readMapping({ pk: 'job#a', sk: 'tags#c%23#50%#x%2523', type: 'EC2' })).toMatchObject({
      tags: ['50%', 'c#', 'x%23'],
    });
  });

  it.each([[['c#', 'aws']], [['%23', '#', '%25', '%']], [['50%', '%2523', 'a, b', '%2C']]])(
    'reads back the tags %j from their key',
    (tags) => {
      expect(tagsOfSortKey(sortKeyOfTags(tags))).toEqual([...tags].sort());
    },
  );

  it('counts a tag that is written twice once', () => {
    expect(readMapping({ pk: 'job#a', sk: 'tags#x#x#y#', type: 'EC2' })).toMatchObject({ tags: ['x', 'y'] });
  });

  it.each([
    ['no pk', { pk: undefined }, /^pk: /],
    ['a pk without job#', { pk: 'build' }, /^pk: .*"job#"/],
    ['a pk without a name', { pk: 'job#' }, /^pk: /],
    ['an sk without tags#', { sk: 'linux' }, /^sk: .*"tags#"/],
    ['no sk', { sk: undefined }, /^sk: /],
    ['an unknown type', { type: 'FARGATE' }, /^type: /],
    ['a type in lower case', { type: 'ec2' }, /^type: /],
    ['an empty project', { project: '' }, /^project: /],
    ['a cap of 0', { maxConcurrent: 0 }, /^maxConcurrent: /],
    ['half a cap', { maxConcurrent: 1.5 }, /^maxConcurrent: /],
    ['a cap that is text', { maxConcurrent: '3' }, /^maxConcurrent: /],
    ['a timeout that GitLab refuses', { timeoutMinutes: 9 }, /^timeoutMinutes: /],
    ['a timeout of more than a week', { timeoutMinutes: 10_081 }, /^timeoutMinutes: /],
    ['an exactness that is no word of ours', { exact: 'never' }, /^exact: write "always", "off", or whole seconds/],
    ['an exactness of half a second', { exact: 0.5 }, /^exact: /],
    ['an exactness of more than a day', { exact: 86_401 }, /^exact: /],
    ['variables that are not text', { variables: { A: 1 } }, /^variables\.A: /],
    ['a project that is misspelt', { projekt: 'group/app' }, /^projekt: is no attribute of a mapping; write "project"/],
    ['a cap that is misspelt', { maxConcurent: 4 }, /^maxConcurent: .*write "maxConcurrent"/],
    ['an attribute like no other', { owner: 'ann' }, /^owner: .*write what is for people into "note"/],
    ['a merge key that nobody merged', { '<<': {} }, /^<<: /],
    ['a function beside an EC2 runner', { arn: functionArn }, /^arn: is nothing that a row of the type EC2 has/],
    [
      'tags with a comma between them',
      { sk: 'tags#aws,big' },
      /^sk: "aws,big" is one tag with a comma; separate tags with "#"/,
    ],
    ['a tag that names a variable', { sk: 'tags#$ARCH' }, /^sk: "\$ARCH" names a variable/],
    ['a project that no path can be', { project: 'group/a/' }, /^project: a path does not end with a slash/],
    ['a LAMBDA mapping without a function', { type: 'LAMBDA' }, /^arn: .*needs the function/],
  ])('names the fault of an item with %s', (_, changes, fault) => {
    const row = readMapping({ pk: 'job#build', sk: 'tags#', type: 'EC2', ...changes });
    expect(isUsable(row)).toBe(false);
    expect(row).toMatchObject({ faults: [expect.stringMatching(fault)] });
  });

  it('names every fault at once, and the row by its keys', () => {
    const row = readMapping({ pk: 'build', sk: 'tags#', type: 'VM', maxConcurrent: -1 });
    expect(row).toMatchObject({ id: 'build tags#', faults: { length: 3 } });
  });

  it.each([[{}], [{ pk: 1, sk: null }], [{ pk: { S: 'job#a' } }]])('refuses %o without throwing', (item) => {
    expect(isUsable(readMapping(item))).toBe(false);
  });

  it.each([[null], [undefined], ['job#a'], [7], [[{ pk: 'job#a' }]]])('refuses %o, which is no item at all', (item) => {
    expect(readMapping(item)).toEqual({ id: '(no item)', faults: ['must be an object with pk, sk and type'] });
  });

  it.each([
    [
      'a sort key that DynamoDB would refuse',
      { sk: `tags#${'ü'.repeat(600)}` },
      /^sk: may not be longer than 1024 bytes/,
    ],
    ['a name that DynamoDB would refuse', { pk: `job#${'🚀'.repeat(600)}` }, /^pk: may not be longer than 2048 bytes/],
    ['a project that takes long to match', { project: '+(a*)' }, /^project: must be the path/],
  ])('refuses %s', (_, changes, fault) => {
    const row = readMapping({ pk: 'job#a', sk: 'tags#', type: 'EC2', ...changes });
    expect(row).toMatchObject({ faults: [expect.stringMatching(fault)] });
  });

  it('takes a name of 255 characters of any kind', () => {
    const name = '🚀'.repeat(255);
    expect(readMapping({ pk: `job#${name}`, sk: 'tags#', type: 'EC2' })).toMatchObject({ jobName: name });
  });

  it('takes as usable exactly what can be read', () => {
    expect(isUsable(readMapping({ pk: 'job#a', sk: 'tags#', type: 'EC2' }))).toBe(true);
  });
});
