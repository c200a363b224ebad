import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCiConfig } from '../../../helper-scripts/local-gitlab/ci-config.ts';
import { countJobs, widenPipeline } from '../../../helper-scripts/local-run/example-pipeline.ts';

const file = join(resolve(import.meta.dirname, '../../..'), 'helper-scripts/local-run/examples/.gitlab-ci.yml');
const example = readFileSync(file, 'utf8');

describe('the example pipeline', () => {
  it('has thirteen jobs in three stages, parallel and matrix jobs counted one by one', () => {
    expect(countJobs(parse(example))).toBe(13);
    expect(parse(example).stages).toHaveLength(3);
  });

  it.each([13, 30, 100])('widens to %i jobs that GitLab takes', (jobs) => {
    const widened = widenPipeline(example, jobs);
    expect(countJobs(parse(widened))).toBe(jobs);
    expect(() => parseCiConfig(widened)).not.toThrow();
  });

  it('stays as it is when fewer are asked for', () => {
    expect(countJobs(parse(widenPipeline(example, 3)))).toBe(13);
  });
});
