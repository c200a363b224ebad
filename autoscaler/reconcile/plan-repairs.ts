import type { ReconcilerMemory } from './memory.ts';
import type { Repair } from './repair.ts';
import type { Seen } from './seen.ts';

/** What people should know, whether or not it can be mended. */
export type Findings = {
  /** Instances that a person holds back. */
  readonly held: readonly string[];
  /** Instances, GitLab runners and tickets that nothing accounts for, from the first look on. */
  readonly unaccounted: readonly string[];
  /** Jobs that wait and may have no further attempt. */
  readonly outOfAttempts: readonly string[];
  /** Counters that differ from the live items in two looks in a row. */
  readonly driftedCounters: readonly string[];
};

export type RepairPlan = {
  readonly repairs: readonly Repair[];
  readonly findings: Findings;
  /** What the next pass remembers. */
  readonly memory: ReconcilerMemory;
};

/** Decides what is to be mended. `now`: milliseconds since 1970. */
export function planRepairs(seen: Seen, _now: number): RepairPlan {
  return {
    repairs: [],
    findings: { held: [], unaccounted: [], outOfAttempts: [], driftedCounters: [] },
    memory: seen.memory,
  };
}
