import type { RunReport } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';

/** Which parts of a generated schedule are run; all when absent. */
export type Selection = { readonly jobs?: readonly number[]; readonly faults?: readonly number[] };

/** A part of a generated schedule, as shrinking found it. */
export function selectFrom(schedule: Schedule, { jobs, faults }: Selection): Schedule {
  return {
    ...schedule,
    jobs: schedule.jobs.filter(({ index }) => jobs?.includes(index) ?? true),
    faults: schedule.faults.filter(({ index }) => faults?.includes(index) ?? true),
  };
}

/** The command that runs a schedule once more and tells all that happens. */
export function replayCommand({ seed, jobs, faults }: Schedule): string {
  const list = (parts: readonly { readonly index: number }[]) => parts.map(({ index }) => index).join(',') || 'none';
  return `npm run simulate -- --seed ${seed} --jobs ${list(jobs)} --faults ${list(faults)}`;
}

/** A violation for people: what, where, the schedule, and how to see it again. */
export function describeViolation({ schedule, report }: { schedule: Schedule; report: RunReport }): string {
  const { violation } = report;
  const { seed, jobs, faults, settings } = schedule;
  const { mappings, profiles, ...rest } = settings;
  return [
    `Invariant ${violation?.invariant} is violated after ${violation?.atSeconds} s (seed ${seed}):`,
    `  ${violation?.what}`,
    'The shortest schedule found:',
    `  settings ${JSON.stringify(rest)}`,
    ...jobs.map((job) => `  job ${JSON.stringify(job)}`),
    ...faults.map((fault) => `  fault ${JSON.stringify(fault)}`),
    `See it again: ${replayCommand(schedule)}`,
  ].join('\n');
}
