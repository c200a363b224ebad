import { describe, expect, it } from 'vitest';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { imageRulesFor } from '../../../autoscaler/start-runner/image-rules.ts';
import { jobMapping } from '../../support/builders.ts';

const lambda = { type: 'LAMBDA', profile: 'shell' } as const;
const ignore = { type: 'IGNORE' } as const;
const toOthers = { name: '*', refusal: 'no mapping names it, and the default leaves it to other runners' };
const toEc2 = (id: string) => `its mapping "${id}" sends it to EC2 default`;

function rulesOf(
  mappings: readonly JobMapping[],
  {
    tags = ['aws'],
    projectPath = 'group/app',
    functionTags = [],
  }: {
    readonly tags?: readonly string[];
    readonly projectPath?: string;
    readonly functionTags?: readonly string[];
  } = {},
) {
  const profiles = { shell: { type: 'LAMBDA', tags: functionTags } } as const;
  return imageRulesFor({ tags, projectPath }, { mappings, profiles, defaultRunner: { type: 'IGNORE' } });
}

describe('the rules of a function', () => {
  it('are none where every job that fits is mapped to functions', () => {
    expect(rulesOf([jobMapping({ tags: ['aws'], target: lambda })])).toEqual([]);
    const others = [
      jobMapping({ jobName: 'build', tags: ['big'] }),
      jobMapping({ jobName: 'build', project: 'other/*' }),
    ];
    expect(rulesOf([jobMapping({ tags: ['aws'], target: lambda }), ...others])).toEqual([]);
  });

  it('refuse what a more specific row sends elsewhere, and say which', () => {
    const rows = [
      jobMapping({ tags: ['aws'], target: lambda }),
      jobMapping({ jobName: 'deploy-*' }),
      jobMapping({ jobName: 'deploy-docs', target: ignore }),
      jobMapping({ jobName: 'deploy-*', tags: ['aws'], target: lambda }),
      jobMapping({ jobName: 'deploy-?rod*' }),
    ];
    expect(rulesOf(rows)).toEqual([
      { name: 'deploy-docs', refusal: 'its mapping "job#deploy-docs tags#" leaves it to other runners' },
      { name: 'deploy-?rod*', refusal: toEc2('job#deploy-?rod* tags#') },
    ]);
  });

  it('refuse whoever is named by no row, and let go on whom one names', () => {
    expect(rulesOf([jobMapping({ jobName: 'lint', target: lambda })])).toEqual([
      { name: 'lint', refusal: null },
      toOthers,
    ]);
  });

  it('refuse nobody for a row whose tags the job may not have', () => {
    const rows = [
      jobMapping({ jobName: 'test', tags: ['aws', 'big'] }),
      jobMapping({ jobName: '*', tags: ['aws'], target: lambda }),
    ];
    expect(rulesOf(rows, { tags: ['aws', 'big'] })).toEqual([]);
    expect(rulesOf([...rows, jobMapping({ jobName: 'test' })], { tags: ['aws', 'big'] })).toEqual([
      { name: 'test', refusal: toEc2('job#test tags#') },
    ]);
  });

  it('refuse nobody whom a row for some refs, stages or protected refs alone sends to a function', () => {
    const toEc2 = jobMapping({ jobName: 'lint', tags: ['aws'] });
    for (const condition of [{ ref: 'main' }, { stage: 'test' }, { isProtected: true } as const]) {
      const row = jobMapping({ id: 'some', jobName: 'lint', tags: ['aws'], target: lambda, ...condition });
      expect(rulesOf([toEc2, row])).toEqual([{ name: 'lint', refusal: null }, toOthers]);
    }
  });

  it('refuse nobody for a row for some refs alone, but for the next one of the name', () => {
    const some = jobMapping({ id: 'some', jobName: 'lint', tags: ['aws'], isProtected: true });
    expect(rulesOf([some, jobMapping({ tags: ['aws'], target: lambda })])).toEqual([]);
    expect(rulesOf([some, jobMapping({ id: 'all', jobName: 'lint', tags: ['aws'] })])).toMatchObject([
      { name: 'lint', refusal: toEc2('all') },
      toOthers,
    ]);
  });

  it('refuse nobody whom the tags of a profile may send to its function', () => {
    expect(rulesOf([], { functionTags: ['aws'] })).toEqual([]);
    expect(rulesOf([], { functionTags: ['aws', 'big'] })).toEqual([toOthers]);
  });

  it('of the whole name of a parallel job come before those of its base name', () => {
    const rows = [jobMapping({ jobName: 'rspec' }), jobMapping({ jobName: 'rspec 3/28', target: lambda })];
    expect(rulesOf(rows).map(({ name }) => name)).toEqual(['rspec 3/28', 'rspec', '*']);
  });

  it('are left out where they are too many to be carried', () => {
    const names = Array.from({ length: 1_000 }, (_, number) => jobMapping({ jobName: `job ${number}` }));
    expect(rulesOf(names)).toEqual([]);
  });
});
