import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseJobName } from '../../../autoscaler/job-mappings/job-name.ts';

describe('baseJobName', () => {
  it.each([
    ['build', 'build'],
    ['rspec 3/28', 'rspec'],
    ['rspec 10/10', 'rspec'],
    ['test: [a, b]', 'test'],
    ['test: [3.9, ]', 'test'],
    ['deploy: [eu-west-1, http://[::1]/x, a: b]', 'deploy'],
    ['two words: [a]', 'two words'],
    ['line\nbreak: [a\nb]', 'line\nbreak'],
  ])('takes the suffix of parallel and matrix jobs from "%s"', (name, base) => {
    expect(baseJobName(name)).toBe(base);
  });

  it.each(['test[1]', 'test [a]', 'a:[b]', 'release 2/3 final', '3/28', 'x/1/2', 'unit 1/', 'array: [a] tail'])(
    'leaves "%s" as it is, which has no such suffix',
    (name) => {
      expect(baseJobName(name)).toBe(name);
    },
  );

  it('finds a plain name again, whatever values a matrix has', () => {
    const plain = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(plain, fc.array(fc.string(), { minLength: 1 }), (name, values) => {
        expect(baseJobName(`${name}: [${values.join(', ')}]`)).toBe(name);
      }),
    );
  });

  it('finds a plain name again for every part of a parallel job', () => {
    const plain = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(), (name, index, total) => {
        expect(baseJobName(`${name} ${index}/${total}`)).toBe(name);
      }),
    );
  });
});
