import { type Composition, realComposition } from './composition.ts';
import { type RunReport, runSchedule } from './run-schedule.ts';
import type { Schedule } from './schedule.ts';

/** More is not worth the time: a schedule that is short enough to read is reached long before. */
const mostRuns = 400;

export type Shrunk = { readonly schedule: Schedule; readonly report: RunReport };

/**
 * The shortest schedule found that violates the same invariant: faults and jobs are taken out, in halves and then one
 * by one, as long as it still does. `report` is that of the schedule as it came.
 */
export async function shrinkSchedule(
  schedule: Schedule,
  report: RunReport,
  composition: Composition = realComposition,
): Promise<Shrunk> {
  const invariant = report.violation?.invariant;
  let best: Shrunk = { schedule, report };
  let runs = 0;

  async function isStillWrong(candidate: Schedule): Promise<boolean> {
    runs += 1;
    const found = await runSchedule(candidate, composition);
    if (found.violation?.invariant !== invariant) return false;
    best = { schedule: candidate, report: found };
    return true;
  }

  /** Takes parts out of one list of the schedule; true when anything went. */
  async function shorten(list: 'faults' | 'jobs'): Promise<boolean> {
    const before = best.schedule[list].length;
    for (let size = Math.ceil(before / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < best.schedule[list].length && runs < mostRuns; ) {
        const kept = best.schedule[list].filter((_, index) => index < from || index >= from + size);
        if (!(await isStillWrong({ ...best.schedule, [list]: kept }))) from += size;
      }
    }
    return best.schedule[list].length < before;
  }

  for (let shorter = true; shorter && runs < mostRuns; ) {
    const fewerFaults = await shorten('faults');
    const fewerJobs = await shorten('jobs');
    shorter = fewerFaults || fewerJobs;
  }
  return best;
}
