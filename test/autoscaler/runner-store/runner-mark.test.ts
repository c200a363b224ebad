import { describe, expect, it } from 'vitest';
import { isNoteOf, noteOfRunner } from '../../../autoscaler/runner-store/runner-mark.ts';

describe('the note on a runner in GitLab', () => {
  const note = noteOfRunner({ deployment: 'ci', job: 'job#7#1', attempt: 2 });

  it('names deployment, job and attempt', () => {
    expect(note).toContain('ci');
    expect(note).toContain('job#7#1');
    expect(note).toContain('attempt=2');
  });

  it('is recognised by its own deployment', () => {
    expect(isNoteOf('ci', note)).toBe(true);
    expect(isNoteOf('ci', `${note}, and what a person wrote behind it`)).toBe(true);
  });

  it.each(['c', 'ci-west', 'cii', ''])('is not taken for one of the deployment "%s"', (deployment) => {
    expect(isNoteOf(deployment, note)).toBe(false);
  });

  it.each([null, undefined, '', 'deployment=ci', 'our runners, deployment=ci job#7#1'])(
    'is not seen in "%s", which somebody else wrote',
    (other) => {
      expect(isNoteOf('ci', other)).toBe(false);
    },
  );

  it('keeps within what GitLab stores, for the longest of names and numbers', () => {
    const longest = { deployment: 'd'.repeat(32), job: `job#${2 ** 53}#${2 ** 53}`, attempt: 10 } as const;
    expect(noteOfRunner(longest).length).toBeLessThanOrEqual(1_024);
  });
});
