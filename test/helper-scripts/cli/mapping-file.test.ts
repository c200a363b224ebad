import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainItemOf } from '../../../autoscaler/job-mappings/attribute-values.ts';
import {
  MappingFileError,
  parseMappingFile,
  readMappingFile,
  renderMappingFile,
  rowsRefusedByImport,
} from '../../../helper-scripts/cli/mapping-file.ts';
import type { MappingItem } from '../../../helper-scripts/cli/mapping-item.ts';
import { storedItems } from '../../autoscaler/job-mappings/attribute-arbitrary.ts';

const repository = resolve(import.meta.dirname, '../../..');

describe('a file of job mappings', () => {
  it('is read as YAML and as JSON, and keeps what it does not know', () => {
    const row = { pk: 'job#lint', sk: 'tags#aws', type: 'LAMBDA', arn: 'shell', note: 'asked for by the docs team' };
    expect(parseMappingFile(JSON.stringify([row]), 'rows.json')).toEqual([row]);
    expect(parseMappingFile('- { pk: "job#lint", sk: "tags#", type: IGNORE }', 'rows.yaml')).toEqual([
      { pk: 'job#lint', sk: 'tags#', type: 'IGNORE' },
    ]);
  });

  it('is refused as a whole, with every fault and its row', () => {
    const text = `
- { pk: lint, sk: "tags#", type: IGNORE }
- { pk: "job#fine", sk: "tags#", type: IGNORE }
- { pk: "job#deploy", sk: "tags#", type: LAMBDA }
- just words`;
    const refused = () => parseMappingFile(text, 'rows.yaml');
    expect(refused).toThrow(MappingFileError);
    expect(refused).toThrow(/rows\.yaml has faults/);
    expect(refused).toThrow(/row 1 \(lint tags#\): pk: must be "job#"/);
    expect(refused).toThrow(/row 3 \(job#deploy tags#\): arn/);
    expect(refused).toThrow(/row 4: must be an object/);
  });

  it('says so when it is no list, or not even YAML', () => {
    expect(() => parseMappingFile('pk: "job#lint"', 'rows.yaml')).toThrow('rows.yaml must hold a list of mappings');
    expect(() => parseMappingFile('[{', 'rows.json')).toThrow(/rows\.json is neither YAML nor JSON/);
  });

  it('of the example is good', () => {
    const file = join(repository, 'helper-scripts/local-run/examples/job-mappings.yaml');
    expect(parseMappingFile(readFileSync(file, 'utf8'), file).length).toBeGreaterThan(3);
  });

  it.each([
    ['a byte order mark', '\uFEFF[{ "pk": "job#a", "sk": "tags#", "type": "IGNORE" }]'],
    ['Windows line ends', '- pk: "job#a"\r\n  sk: "tags#"\r\n  type: IGNORE\r\n'],
    ['YAML in brackets', '[{ pk: "job#a", sk: "tags#", type: IGNORE }] # a note'],
  ])('may have %s', (_, text) => {
    expect(parseMappingFile(text, 'rows')).toEqual([{ pk: 'job#a', sk: 'tags#', type: 'IGNORE' }]);
  });

  it('names the line of each fault, in JSON too', () => {
    const yaml = '# a note\n- pk: "job#a"\n  sk: "tags#"\n  type: IGNORE\n\n- pk: "job#b"\n  sk: "tags#"\n  type: VM\n';
    expect(readMappingFile(yaml, 'rows.yaml').faults).toMatchObject([{ row: 2, line: 6, id: 'job#b tags#' }]);
    const json = JSON.stringify([{ pk: 'job#a', sk: 'tags#', type: 'VM' }, null], null, 2);
    expect(readMappingFile(json, 'rows.json').faults).toMatchObject([
      { row: 1, line: 2 },
      { row: 2, line: 7, id: null },
    ]);
  });

  it('may share attributes by YAML merge keys', () => {
    const text =
      '- &cap { pk: "job#a", sk: "tags#", type: EC2, project: group/app, maxConcurrent: 4 }\n' +
      '- { <<: *cap, pk: "job#b" }';
    const shared = { sk: 'tags#', type: 'EC2', project: 'group/app', maxConcurrent: 4 };
    expect(parseMappingFile(text, 'rows.yaml')).toEqual([
      { pk: 'job#a', ...shared },
      { pk: 'job#b', ...shared },
    ]);
  });

  it('may hold a "<<" of its own, which is written so that nobody merges it', () => {
    const rows = [{ pk: 'job#a', sk: 'tags#', type: 'IGNORE', note: { '<<': { a: 1 } } }];
    expect(parseMappingFile(renderMappingFile(rows, 'yaml'), 'rows.yaml')).toEqual(rows);
  });

  it('has a fault where it names what is not deployed, if that is known', () => {
    const text = '- { pk: "job#a", sk: "tags#", type: EC2, profile: larg }';
    const { faults } = readMappingFile(text, 'rows.yaml', { large: { type: 'EC2' } });
    expect(faults).toMatchObject([{ row: 1, line: 1, fault: expect.stringMatching(/^profile: .*write "large"/u) }]);
    expect(readMappingFile(text, 'rows.yaml').faults).toEqual([]);
  });

  it('tells of blanks around a tag', () => {
    const { faults } = readMappingFile('- { pk: "job#a", sk: "tags# aws", type: IGNORE }', 'rows.yaml');
    expect(faults).toMatchObject([{ fault: 'sk: " aws" has blanks around it; write "aws"' }]);
  });

  it('may have each pair of keys once', () => {
    const row = { pk: 'job#a', sk: 'tags#', type: 'IGNORE' };
    const { faults } = readMappingFile(JSON.stringify([row, { ...row, sk: 'tags#x' }, row, row]), 'rows.json');
    expect(faults.map(({ row: number, fault }) => [number, fault])).toEqual([
      [3, 'has the same pk and sk as row 1'],
      [4, 'has the same pk and sk as row 1'],
    ]);
  });

  it.each([
    ['holds more than DynamoDB takes', { note: 'x'.repeat(400 * 1_024) }, /bytes, and DynamoDB takes 409600/],
    ['is large by its characters', { note: 'ü'.repeat(205 * 1_024) }, /bytes, and DynamoDB takes/],
    ['has a number that is rounded already', { note: 2 ** 60 }, /^note: is too large to be exact/],
    ['has a set without anything', { note: { $dynamodb: { SS: [] } } }, /^note: "\$dynamodb" must hold/],
  ])('is refused when a row %s', (_, changes, fault) => {
    const row = { pk: 'job#a', sk: 'tags#', type: 'IGNORE', ...changes };
    expect(readMappingFile(JSON.stringify([row]), 'rows.json').faults).toMatchObject([
      { row: 1, fault: expect.stringMatching(fault) },
    ]);
  });
});

describe('rows that are written to a file', () => {
  const tables = fc
    .uniqueArray(
      fc.record({
        job: fc.string({ unit: 'binary', minLength: 1, maxLength: 255 }),
        tags: fc.string().map((text) => text.replace(/[,$\s]/gu, '')),
        item: storedItems,
      }),
      { selector: ({ job, tags }) => `${job} ${tags}`, maxLength: 6 },
    )
    .map((rows) =>
      rows.map(
        ({ job, tags, item }) =>
          ({
            note: plainItemOf({ item: { M: item } }),
            pk: `job#${job}`,
            sk: `tags#${tags}`,
            type: 'IGNORE',
          }) as unknown as MappingItem,
      ),
    );
  const byKeys = (a: MappingItem, b: MappingItem) => (`${a.pk} ${a.sk}` < `${b.pk} ${b.sk}` ? -1 : 1);

  it.each(['yaml', 'json'] as const)('as %s are read back as they were, whatever they hold', (format) => {
    fc.assert(
      fc.property(tables, (rows) => {
        const read = parseMappingFile(renderMappingFile(rows, format), 'exported');
        expect([...read].sort(byKeys)).toEqual([...rows].sort(byKeys));
      }),
      { numRuns: 150 },
    );
  });

  it('are read back as they were, or it is said before which ones are refused', () => {
    const oddTags = fc.array(
      fc.constantFrom(' ', 'aws', ' aws', 'big ', 'a b', 'a,b', '%23', '%2C', '$ARCH', '', '\t'),
    );
    const oddRows = fc.record({ pk: fc.constantFrom('job#a', 'job# a ', 'job#', 'a'), tags: oddTags });
    fc.assert(
      fc.property(oddRows, ({ pk, tags }) => {
        const row = { pk, sk: `tags#${tags.join('#')}`, type: 'IGNORE' };
        const read = () => parseMappingFile(renderMappingFile([row], 'yaml'), 'exported');
        if (rowsRefusedByImport([row]).length === 0) expect(read()).toEqual([row]);
        else expect(read).toThrow(MappingFileError);
      }),
    );
    const [refused] = rowsRefusedByImport([{ pk: 'job#a', sk: 'tags# aws', type: 'IGNORE' }]);
    expect(refused?.faults).toEqual(['sk: " aws" has blanks around it; write "aws"']);
  });

  it('stand in order, with the attributes that mean something first', () => {
    const rows = [
      {
        note: 'n',
        type: 'EC2',
        profile: 'large',
        sk: 'tags#',
        pk: 'job#b',
        another: 1,
        timeoutMinutes: 20,
        project: 'g/*',
      },
      { sk: 'tags#', pk: 'job#a', type: 'IGNORE' },
    ];
    expect(renderMappingFile(rows, 'yaml').split('\n')).toEqual([
      '- pk: job#a',
      '  sk: tags#',
      '  type: IGNORE',
      '- pk: job#b',
      '  sk: tags#',
      '  type: EC2',
      '  profile: large',
      '  project: g/*',
      '  timeoutMinutes: 20',
      '  note: n',
      '  another: 1',
      '',
    ]);
  });
});
