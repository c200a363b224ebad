import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MappingFileError, parseMappingFile } from '../../../helper-scripts/cli/mapping-file.ts';

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
    const file = join(repository, 'helper-scripts/local/examples/job-mappings.yaml');
    expect(parseMappingFile(readFileSync(file, 'utf8'), file).length).toBeGreaterThan(3);
  });
});
