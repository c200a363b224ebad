import { describe, expect, it } from 'vitest';
import { realRunnerNote } from '../../../helper-scripts/setup/real-runner-note.ts';

const real = { kind: 'real', version: '19.3.0', path: '/opt/gitlab-runner' } as const;
const standIn = { kind: 'stand-in', version: '19.3.0', path: '/repository/gitlab-runner.command.ts' } as const;

describe('what npm test says about gitlab-runner', () => {
  it('names the real one that jobs ran with', () => {
    expect(realRunnerNote(real, [])).toMatch(/ran .* with the real gitlab-runner 19\.3\.0 \(\/opt\/gitlab-runner\)/);
  });

  it('says aloud that there was none, and how to have one', () => {
    for (const words of [[], ['--project', 'fast']]) {
      expect(realRunnerNote(standIn, words)).toMatch(/^NOT RUN with a real gitlab-runner.*PATH.*GITLAB_RUNNER/);
    }
  });

  it('does not say that jobs ran where the tests were chosen by hand', () => {
    expect(realRunnerNote(real, ['test/kit'])).not.toContain('ran with');
  });
});
