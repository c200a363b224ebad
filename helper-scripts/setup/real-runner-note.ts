import type { FoundRunner } from '../local-runner/find-gitlab-runner.process.ts';

/** What `npm test` says in the end about gitlab-runner itself; `words` are those that went to vitest. */
export function realRunnerNote({ kind, version, path }: FoundRunner, words: readonly string[]): string {
  if (kind === 'stand-in') {
    return 'NOT RUN with a real gitlab-runner, since none was found: end-to-end jobs of both types ran with our stand-in alone. Put one on the PATH, or name it in GITLAB_RUNNER.';
  }
  if (words.length > 0) return `A real gitlab-runner ${version} (${path}) was there for the tests that you chose.`;
  return `End-to-end jobs of both types ran with our stand-in, and with the real gitlab-runner ${version} (${path}).`;
}
