import { decideTurns, type SeenLine, type Turns } from '../../../autoscaler/gate/decide-turns.ts';
import type { GatedRunner, LineJob } from '../../../autoscaler/gate/gate-line.ts';
import { testStart } from '../../support/builders.ts';

/** A job of the line, by default one with the tag `aws` for the profile `default`. */
export function lineJob(id: number, changes: Partial<LineJob> = {}): LineJob {
  return {
    ...{ id, tags: ['aws'], profile: 'default', isComing: true, waitsSince: testStart, wantsPlaces: [] },
    isProtected: false,
    ...changes,
  };
}

/** A runner that is held, made for a job of this id. */
export function gatedRunner(jobId: number, changes: Partial<GatedRunner> = {}): GatedRunner {
  return {
    key: `runner-${jobId}`,
    jobId,
    profile: 'default',
    tags: ['aws'],
    isForProtected: false,
    exact: 300,
    isReady: false,
    isStuck: false,
    turn: null,
    canBeHeld: true,
    places: [],
    ...changes,
  };
}

/** What is decided; nobody is stuck yet, and nobody's clock has run. */
export function turnsOf(seen: Partial<SeenLine>, seconds = 0): Turns {
  return decideTurns({ jobs: [], runners: [], stuck: {}, ...seen }, testStart + seconds * 1_000);
}

/** The jobs that are written down for the runners that are let go, as `runner: job`. */
export function goesOf({ go }: Turns): Record<string, number> {
  return Object.fromEntries(go.map(({ key, jobId }) => [key, jobId]));
}
