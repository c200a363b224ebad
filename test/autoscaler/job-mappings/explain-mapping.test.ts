import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseMapping, couldMatch } from '../../../autoscaler/job-mappings/choose-mapping.ts';
import { explainMapping } from '../../../autoscaler/job-mappings/explain-mapping.ts';
import type { InvalidMapping, JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import type { JobToMap } from '../../../autoscaler/job-mappings/judge-mapping.ts';
import { jobMapping } from '../../support/builders.ts';

const job = (changes: Partial<JobToMap> = {}): JobToMap => ({
  jobName: 'rspec 3/28',
  projectPath: 'group/project',
  tags: ['docker', 'linux'],
  ...changes,
});
/** Why each row but the chosen one lost, by its id. */
const reasons = (one: JobToMap, ...rows: (JobMapping | InvalidMapping)[]) =>
  Object.fromEntries(explainMapping(one, rows).others.map(({ row, reason }) => [row.id, reason]));

describe('a row that was not chosen', () => {
  const chosen = jobMapping({ id: 'chosen', jobName: 'rspec', project: 'group/project', tags: ['docker'] });

  it.each<[string, Partial<JobMapping>, object]>([
    ['whose name is another', { jobName: 'build' }, { kind: 'other-name' }],
    ['whose glob does not match', { jobName: 'rspec-*' }, { kind: 'other-name' }],
    ['of another project', { project: 'other/*' }, { kind: 'other-project' }],
    ['that asks for more tags', { tags: ['docker', 'gpu', 'x'] }, { kind: 'missing-tags', tags: ['gpu', 'x'] }],
    ['with a glob', { jobName: 'rspe*', tags: ['docker', 'linux'] }, { kind: 'less-specific', because: 'name' }],
    ['for every job', { jobName: '*' }, { kind: 'less-specific', because: 'name' }],
    ['of many projects', { jobName: 'rspec', project: 'group/*' }, { kind: 'less-specific', because: 'project' }],
    ['of every project', { jobName: 'rspec', tags: ['linux'] }, { kind: 'less-specific', because: 'project' }],
    ['with fewer tags', { jobName: 'rspec', project: 'group/project' }, { kind: 'less-specific', because: 'tags' }],
    [
      'that only sorts later',
      { jobName: 'rspec', project: 'group/project', tags: ['linux'] },
      { kind: 'less-specific', because: 'id' },
    ],
  ])('%s says so', (_, changes, reason) => {
    const loser = jobMapping({ ...changes, id: 'loser' });
    expect(explainMapping(job(), [loser, chosen]).chosen).toBe(chosen);
    expect(reasons(job(), loser, chosen)).toEqual({ loser: reason });
  });

  it('names the tags that the job lacks before anybody was chosen', () => {
    expect(reasons(job({ tags: [] }), jobMapping({ id: 'row', tags: ['aws'] }))).toEqual({
      row: { kind: 'missing-tags', tags: ['aws'] },
    });
  });

  it('is said to have the less exact name when the chosen one names a single part of a parallel job', () => {
    const part = jobMapping({ id: 'part', jobName: 'rspec 3/28' });
    expect(reasons(job(), chosen, part)).toEqual({ chosen: { kind: 'less-specific', because: 'name' } });
  });

  it('keeps its faults when it is not valid', () => {
    const invalid: InvalidMapping = { id: 'broken', faults: ['type: must be LAMBDA, EC2 or IGNORE'] };
    expect(reasons(job(), invalid, chosen)).toEqual({ broken: { kind: 'invalid', faults: invalid.faults } });
  });
});

describe('whatever the table and the job', () => {
  const name = fc.constantFrom('*', '?*', 'r*', 'rs*c', 'rspec', 'rspec 3/28', 'rspec 3/*', 'test', 'test: [a]', '**');
  const project = fc.constantFrom(undefined, 'group/*', 'g*/**', 'group/project', 'group/[', '**', '+(a*)');
  const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
  const row = fc.oneof(
    { weight: 9, arbitrary: fc.record({ jobName: name, project, tags }) },
    { weight: 1, arbitrary: fc.record({ faults: fc.array(fc.string(), { minLength: 1 }) }) },
  );
  const tables = fc
    .array(row, { maxLength: 15 })
    .map((rows) =>
      rows.map((one, index) => ('faults' in one ? { ...one, id: `${index}` } : jobMapping({ ...one, id: `${index}` }))),
    );
  const jobs = fc.record<JobToMap>({
    jobName: fc.oneof(
      fc.constantFrom('rspec', 'rspec 3/28', 'test: [a]', 'test: [b, c]', 'x', '*'),
      fc.string({ unit: 'grapheme', maxLength: 255 }),
    ),
    projectPath: fc.constantFrom(null, 'group/project', 'group/other', 'q'),
    tags,
  });
  const usable = (rows: readonly (JobMapping | InvalidMapping)[]) =>
    rows.filter((one): one is JobMapping => 'target' in one);

  it('what is explained is what is chosen', () => {
    fc.assert(
      fc.property(jobs, tables, (one, table) => {
        expect(explainMapping(one, table).chosen).toBe(chooseMapping(one, usable(table)));
      }),
    );
  });

  it('every other row has its reason, in the order of the table', () => {
    fc.assert(
      fc.property(jobs, tables, (one, table) => {
        const { chosen, others } = explainMapping(one, table);
        expect(others.map((other) => other.row)).toEqual(table.filter((other) => other !== chosen));
        for (const { reason } of others) expect(reason.kind).not.toBe('fits');
      }),
    );
  });

  it('each reason is true: without it the row could have been chosen', () => {
    fc.assert(
      fc.property(jobs, tables, (one, table) => {
        for (const { row: other, reason } of explainMapping(one, table).others) {
          if (reason.kind === 'invalid') {
            expect(other).toHaveProperty('faults', reason.faults);
            continue;
          }
          const mapping = other as JobMapping;
          const fits = couldMatch(mapping, one);
          const missing = mapping.tags.filter((tag) => !one.tags.includes(tag));
          if (reason.kind === 'missing-tags') expect([fits, missing]).toEqual([true, reason.tags]);
          else if (reason.kind === 'less-specific') expect([fits, missing]).toEqual([true, []]);
          else expect(fits).toBe(false);
          const alone = chooseMapping({ ...one, tags: [...one.tags, ...missing] }, [mapping]);
          expect(alone).toBe(fits ? mapping : null);
        }
      }),
    );
  });

  it('of two rows alone, the one that lost because of less is beaten by the chosen one as well', () => {
    fc.assert(
      fc.property(jobs, tables, (one, table) => {
        const { chosen, others } = explainMapping(one, table);
        for (const { row: other, reason } of others) {
          if (reason.kind !== 'less-specific' || chosen === null) continue;
          expect(chooseMapping(one, [other as JobMapping, chosen])).toBe(chosen);
        }
      }),
    );
  });
});
