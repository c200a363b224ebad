import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatesOf, chooseMapping, couldMatch } from '../../../autoscaler/job-mappings/choose-mapping.ts';
import { isUsable, type JobMapping, readMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import {
  differenceOf,
  type JobToMap,
  judgeMapping,
  putInQuestion,
} from '../../../autoscaler/job-mappings/judge-mapping.ts';
import { jobMapping } from '../../support/builders.ts';

const job = (changes: Partial<JobToMap> = {}): JobToMap => ({
  jobName: 'deploy-prod',
  projectPath: 'group/project',
  tags: ['docker', 'linux'],
  ...changes,
});
/** Negative when `a` is more specific than `b` for this job. */
const compareSpecificity = (a: JobMapping, b: JobMapping, one: JobToMap) => {
  const [first, second] = [a, b].map((row) => judgeMapping(row, putInQuestion(one)));
  if (first?.kind !== 'fits' || second?.kind !== 'fits') throw new Error('only rows that match can be compared');
  return differenceOf(first, second).order;
};
const chosenName = (jobName: string, ...names: string[]) =>
  chooseMapping(
    job({ jobName }),
    names.map((name) => jobMapping({ jobName: name })),
  )?.jobName;

describe('a mapping’s name', () => {
  it.each([
    ['the exact name before every glob', 'deploy-prod', ['*', 'deploy-*', 'deploy-prod'], 'deploy-prod'],
    ['the glob with the longest literal part', 'deploy-prod', ['*', 'd*', 'deploy-*'], 'deploy-*'],
    ['any glob before "*"', 'deploy-prod', ['*', '?*'], '?*'],
    ['"*" when nothing else matches', 'build', ['deploy-*', '*'], '*'],
    ['the name without its matrix suffix', 'test: [a, b]', ['*', 'test'], 'test'],
    ['the name without its parallel suffix', 'rspec 3/28', ['*', 'rspec'], 'rspec'],
    ['the whole name, suffix and all, when a row has it', 'rspec 3/28', ['*', 'rspec 3/28'], 'rspec 3/28'],
    ['the whole name before the name without its suffix', 'rspec 3/28', ['rspec', 'rspec 3/28'], 'rspec 3/28'],
    ['the name without its suffix for the other parts', 'rspec 4/28', ['rspec', 'rspec 3/28'], 'rspec'],
    ['the whole name of a matrix job', 'test: [a, b]', ['test', 'test: [a, b]', 'test: [*'], 'test: [a, b]'],
    ['a glob on the whole name where the rest does not fit', 'rspec 3/28', ['rspec 3/*', '*28', '*'], 'rspec 3/*'],
    ['a glob on a value of a matrix', 'compile: [arm64, a]', ['compile: [arm64, *]', '*'], 'compile: [arm64, *]'],
    ['a glob that fits no value of the matrix', 'compile: [x86, a]', ['compile: [arm64, *]', '*'], '*'],
    ['a glob on all parallel parts', 'rspec 3/28', ['rspec *', '*'], 'rspec *'],
    ['a name that holds stars, exactly', 'build *', ['build *', 'build ??', '*'], 'build *'],
    ['a job that is called "*", exactly', '*', ['?', '*'], '*'],
    ['a character outside the first plane as one', '🚀-deploy', ['?-deploy', '??-deploy', '*'], '?-deploy'],
    ['literal parts by their characters', '🚀🚀ab', ['🚀🚀*', '*ab', '🚀*ab'], '🚀*ab'],
    ['every star anew', 'abcbcd', ['a*bcd', 'a*bd', '*'], 'a*bcd'],
    ['a glob on the name without its suffix', 'rspec-js 3/28', ['*', 'rspec-*'], 'rspec-*'],
    ['? as exactly one character', 'job1', ['job?', 'job??', '*'], 'job?'],
    ['a star over slashes, colons and blanks', 'a/b: c', ['a*c', '*'], 'a*c'],
    ['brackets, dots and plus signs as they are', 'a.b+(c)', ['a.b+(c)*', '*'], 'a.b+(c)*'],
    ['no dot as any character', 'axb', ['a.*', '*'], '*'],
    ['upper and lower case as different', 'Build', ['build', '*'], '*'],
  ])('decides: %s', (_, jobName, names, chosen) => {
    expect(chosenName(jobName, ...names)).toBe(chosen);
    expect(chosenName(jobName, ...names.toReversed())).toBe(chosen);
  });

  it('leaves a job without a mapping when none has its name', () => {
    expect(chosenName('build', 'deploy-*', 'test', 'buil', 'build?')).toBeUndefined();
  });
});

describe('a mapping’s project', () => {
  const rows = [undefined, 'group/*', 'group/project', 'other/*'].map((project) =>
    jobMapping({ id: `for ${project}`, project }),
  );

  it.each([
    ['group/project', 'for group/project'],
    ['group/another', 'for group/*'],
    ['other/one', 'for other/*'],
    ['elsewhere/one', 'for undefined'],
    ['Group/Project', 'for group/project'],
    ['GROUP/another', 'for group/*'],
    ['group/sub/project', 'for undefined'],
    [null, 'for undefined'],
  ])('of "%s" is matched exactly, by glob, or not at all', (projectPath, id) => {
    expect(chooseMapping(job({ projectPath }), rows)?.id).toBe(id);
  });

  it('is matched at any depth by "**", and less so than by a longer glob', () => {
    const deep = [jobMapping({ id: 'all', project: 'group/**' }), jobMapping({ id: 'sub', project: 'group/sub/**' })];
    expect(chooseMapping(job({ projectPath: 'group/sub/a/b' }), deep)?.id).toBe('sub');
    expect(chooseMapping(job({ projectPath: 'group/x/.hidden' }), deep)?.id).toBe('all');
  });

  it('counts less than the name, and more than the tags', () => {
    const named = jobMapping({ id: 'named', jobName: 'deploy-*' });
    const owned = jobMapping({ id: 'owned', project: 'group/project' });
    const tagged = jobMapping({ id: 'tagged', tags: ['docker', 'linux'] });
    expect(chooseMapping(job(), [tagged, owned, named])?.id).toBe('named');
    expect(chooseMapping(job(), [tagged, owned])?.id).toBe('owned');
  });

  it('never stops other jobs, whatever somebody wrote', () => {
    const odd = ['group/[', 'group/{a', '!(', '+(', '*'.repeat(200), `a${'/x'.repeat(40_000)}`];
    const written = odd.map((project, index) => ({ pk: `job#*${index}`, sk: 'tags#', type: 'EC2', project }));
    const rowsWithOdd = [...written.map(readMapping).filter(isUsable), jobMapping()];
    expect(chooseMapping(job({ projectPath: 'q' }), rowsWithOdd)).toEqual(jobMapping());
  });
});

describe('a mapping’s tags', () => {
  const rows = [[], ['docker'], ['docker', 'linux'], ['gpu']].map((tags) => jobMapping({ tags }));

  it.each([
    [
      ['docker', 'linux'],
      ['docker', 'linux'],
    ],
    [
      ['linux', 'docker', 'x'],
      ['docker', 'linux'],
    ],
    [['docker'], ['docker']],
    [['linux'], []],
    [[], []],
  ])('of a job with %j: all of them must be on the job, and most of them win', (tags, chosen) => {
    expect(chooseMapping(job({ tags }), rows)?.tags).toEqual(chosen);
  });

  it('are no matter of couldMatch, which is asked before GitLab told them', () => {
    expect(couldMatch(jobMapping({ tags: ['gpu'] }), job())).toBe(true);
    expect(couldMatch(jobMapping({ jobName: 'other' }), job())).toBe(false);
    expect(couldMatch(jobMapping({ project: 'other/*' }), job())).toBe(false);
  });
});

describe('the candidates of a job', () => {
  it('are the rows that fit by name and project, whatever their tags', () => {
    const rows = [
      jobMapping({ id: 'exact', jobName: 'deploy-prod', tags: ['gpu'] }),
      jobMapping({ id: 'glob', jobName: 'deploy-*', project: 'group/*' }),
      jobMapping({ id: 'other project', project: 'other/*' }),
      jobMapping({ id: 'other name', jobName: 'deploy-prod-*' }),
      jobMapping({ id: 'every job' }),
    ];
    expect(new Set(candidatesOf(job(), rows).map(({ id }) => id))).toEqual(new Set(['exact', 'glob', 'every job']));
  });
});

describe('at a tie', () => {
  it('the row whose id sorts first is chosen', () => {
    const [a, b] = [
      jobMapping({ id: 'job#deploy-prod tags#docker', jobName: 'deploy-prod', tags: ['docker'] }),
      jobMapping({ id: 'job#deploy-prod tags#linux', jobName: 'deploy-prod', tags: ['linux'] }),
    ];
    expect(chooseMapping(job(), [b, a])).toBe(a);
    expect(chooseMapping(job(), [a, b])).toBe(a);
  });
});

describe('whatever the table holds', () => {
  const names = fc.constantFrom(
    '*',
    '?*',
    'd*',
    'de*',
    'deploy-*',
    'deploy-prod',
    'test',
    'deploy-prod 1/2',
    'test: [*',
  );
  const projects = fc.constantFrom(undefined, 'group/*', 'gr*/**', 'group/project', 'group/other', '**');
  const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
  const rows: fc.Arbitrary<JobMapping[]> = fc
    .array(fc.record({ jobName: names, project: projects, tags }), { maxLength: 12 })
    .map((all) => all.map((row, index) => jobMapping({ ...row, id: `row ${index}` })));
  const jobs = fc.record<JobToMap>({
    jobName: fc.constantFrom('deploy-prod', 'deploy-prod 1/2', 'test: [a]', 'test', 'd', 'x', '*', 'de*'),
    projectPath: fc.constantFrom(null, 'group/project', 'group/other', 'group/sub/x', 'q'),
    tags,
  });
  const matches = (row: JobMapping, one: JobToMap) =>
    couldMatch(row, one) && row.tags.every((tag) => one.tags.includes(tag));

  it('the chosen mapping matches, and no other match is more specific', () => {
    fc.assert(
      fc.property(jobs, rows, (one, table) => {
        const chosen = chooseMapping(one, table);
        const matching = table.filter((row) => matches(row, one));
        expect(chosen === null).toBe(matching.length === 0);
        if (!chosen) return;
        expect(matching).toContain(chosen);
        for (const other of matching.filter((row) => row !== chosen)) {
          expect(compareSpecificity(chosen, other, one)).toBeLessThan(0);
        }
      }),
    );
  });

  it('the order of the rows changes nothing, and the rows stay as they are', () => {
    const shuffled = rows.chain((table) =>
      fc.tuple(fc.constant(table), fc.shuffledSubarray(table, { minLength: table.length })),
    );
    fc.assert(
      fc.property(jobs, shuffled, (one, [table, mixed]) => {
        const before = [...mixed];
        expect(chooseMapping(one, mixed)).toBe(chooseMapping(one, table));
        expect(mixed).toEqual(before);
      }),
    );
  });

  it('of two rows exactly one is more specific, and specificity is an order', () => {
    fc.assert(
      fc.property(jobs, rows, (one, table) => {
        const matching = table.filter((row) => matches(row, one));
        for (const a of matching) {
          for (const b of matching.filter((row) => row !== a)) {
            const [ab, ba] = [compareSpecificity(a, b, one), compareSpecificity(b, a, one)];
            expect(Math.sign(ab)).toBe(-Math.sign(ba));
            for (const c of matching.filter((row) => row !== a && row !== b)) {
              if (ab < 0 && compareSpecificity(b, c, one) < 0) expect(compareSpecificity(a, c, one)).toBeLessThan(0);
            }
          }
        }
      }),
    );
  });

  it('the candidates are exactly the rows that could match, each once', () => {
    fc.assert(
      fc.property(jobs, rows, (one, table) => {
        const candidates = candidatesOf(one, table);
        expect(candidates.length).toBe(new Set(candidates).size);
        expect(new Set(candidates)).toEqual(new Set(table.filter((row) => couldMatch(row, one))));
      }),
    );
  });

  it('a row that does not match changes nothing', () => {
    fc.assert(
      fc.property(jobs, rows, (one, table) => {
        const matching = table.filter((row) => matches(row, one));
        expect(chooseMapping(one, matching)).toBe(chooseMapping(one, table));
      }),
    );
  });
});
