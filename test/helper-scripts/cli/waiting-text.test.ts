import { describe, expect, it } from 'vitest';
import { waitText } from '../../../helper-scripts/cli/waiting-text.ts';
import { testStart } from '../../support/builders.ts';

const now = testStart + 10 * 60_000;
const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();

describe('why a job waits', () => {
  it('is what was met, since when, and when somebody looks again', () => {
    const waitsFor = { error: 'GitLabUnavailableError', message: '503', since: at(-300), lookAt: at(20), looks: 4 };
    expect(waitText({ waitsFor, caps: [] }, new Map(), now)).toBe(
      'GitLab does not answer: GitLabUnavailableError: 503 (since 5 min; looked 4 times, again in 20 s)',
    );
  });

  it('is told also when the look is overdue, and for an error that nobody foresaw', () => {
    const waitsFor = { error: 'OddError', message: '', since: at(-30), lookAt: at(-5), looks: 1 };
    expect(waitText({ waitsFor, caps: [] }, new Map(), now)).toBe(
      'no runner could be started: OddError (since 30 s; looked once, again within a minute)',
    );
  });

  const caps = [
    { counter: 'cap#deployment', limit: 9 },
    { counter: 'cap#lambda', limit: 5 },
    { counter: 'cap#profile#shell', limit: 3 },
    { counter: 'cap#mapping#job#lint tags#aws', limit: 2 },
  ];

  it('is the caps that are full', () => {
    const taken = new Map([
      ['cap#deployment', 5],
      ['cap#lambda', 5],
      ['cap#profile#shell', 1],
      ['cap#mapping#job#lint tags#aws', 2],
    ]);
    expect(waitText({ caps }, taken, now)).toBe(
      'waits for a place under what the account’s Lambda quota leaves to jobs (5 of 5) and maxConcurrent of the mapping job#lint tags#aws (2 of 2)',
    );
  });

  it('is all caps as long as nobody knows which are full', () => {
    expect(waitText({ caps: caps.slice(0, 1) }, new Map(), now)).toBe(
      'waits for a place: maxConcurrent of the deployment (at most 9)',
    );
  });
});
