import { describe, expect, it } from 'vitest';
import { emptyGate } from '../../../autoscaler/runner-store/gate-item.ts';
import { notItsTurn } from '../../../autoscaler/runner-store/held.ts';
import { jobFindings } from '../../../helper-scripts/cli/job-findings.ts';
import { statusCells, statusDetails } from '../../../helper-scripts/cli/status-text.ts';
import { holdsIn } from '../../../helper-scripts/cli/turn-text.ts';
import { runnerItem, testStart } from '../../support/builders.ts';

const now = testStart + 180_000;
const hold = { profile: 'shell', tags: ['aws'], behind: 17, of: 'default', stuckSince: null };
const gateWith = (changes: Partial<typeof hold> | { of: null; stuckSince: number } = {}) =>
  holdsIn([{ ...emptyGate(7), holds: [{ ...hold, ...changes }] }]);
const waitsFor = { error: notItsTurn, message: 'm', since: '2030-01-01T00:00:02.000Z', lookAt: '', looks: 1 };
const waiting = runnerItem({ state: 'WAITING', gated: true, profile: 'shell', tags: ['aws'], waitsFor });
const held = runnerItem({ state: 'LAUNCHED', gated: true, profile: 'shell', tags: ['aws'] });

describe('a job that waits for its turn', () => {
  it.each([waiting, held])(
    'is shown with the job that comes first, whose that is, and what spares the wait',
    (item) => {
      expect(statusCells(item, now, new Map(), gateWith()).at(-1)).toBe(
        'waits for its turn: job 17 comes first, which is to run on default',
      );
      const details = Object.fromEntries(statusDetails(item, now, new Map(), gateWith()));
      expect(details['waits because']).toContain('job 17 comes first');
      expect(details['what to do']).toMatch(/tags of its own.*"exact"/);
    },
  );

  it('is a finding only when nobody starts the job that it waits for', () => {
    const seen = { live: [waiting], taken: new Map(), maxAttempts: 3 };
    expect(jobFindings({ ...seen, holdOf: gateWith() }, now)).toEqual([]);
    const [finding] = jobFindings({ ...seen, holdOf: gateWith({ of: null, stuckSince: testStart }) }, now);
    expect(finding).toMatchObject({
      what: 'job 7/1 (build)',
      wrong:
        'waits for its turn: job 17 comes first, which is left to other runners, and nobody has started it for 3 min',
    });
  });
});
