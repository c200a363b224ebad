import type { Placements } from './placements-watch.ts';
import type { RunReport } from './run-schedule.ts';

/** What many runs together came to. */
export type Statistics = {
  readonly add: (seed: number, report: RunReport) => void;
  readonly rows: () => readonly (readonly [string, string | number])[];
};

export function createStatistics(): Statistics {
  const faults = new Map<string, number>();
  const repairs = new Map<string, number>();
  const placements = { 'as mapped': 0, excused: 0, passed: 0, misplaced: 0, 'taken by others': 0 };
  let runs = 0;
  let violations = 0;
  let virtualSeconds = 0;
  let steps = 0;
  const worst = { capped: { seconds: 0, seed: 0 }, uncapped: { seconds: 0, seed: 0 } };
  const textOf = ({ seconds, seed }: { readonly seconds: number; readonly seed: number }) =>
    `${Math.round(seconds)} s (seed ${seed})`;
  const addAll = (counts: ReadonlyMap<string, number>, to: Map<string, number>) => {
    for (const [kind, count] of counts) to.set(kind, (to.get(kind) ?? 0) + count);
  };
  const rowsOf = (what: string, counts: ReadonlyMap<string, number>) =>
    [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => [`${what} ${kind}`, count] as const);
  return {
    add(seed, report) {
      runs += 1;
      virtualSeconds += report.virtualSeconds;
      steps += report.steps;
      if (report.violation) violations += 1;
      const kind = report.isCapped ? 'capped' : 'uncapped';
      if (report.worstWaitSeconds > worst[kind].seconds) worst[kind] = { seconds: report.worstWaitSeconds, seed };
      for (const [placement, count] of Object.entries(report.placements))
        placements[placement as keyof typeof placements] += count;
      addAll(report.faults, faults);
      addAll(report.repairs, repairs);
    },
    rows: () => [
      ['runs', runs],
      ['virtual hours', Math.round(virtualSeconds / 3_600)],
      ['steps', steps],
      ...rowsOf('fault', faults),
      ...rowsOf('repair', repairs),
      ['worst time from pending to runner', textOf(worst.uncapped)],
      ['the same where caps let jobs wait', textOf(worst.capped)],
      ...rowsOfPlacements(placements),
      ['violations', violations],
    ],
  };
}

function rowsOfPlacements({ excused, misplaced, ...counts }: Placements): readonly (readonly [string, string])[] {
  const ours = counts['as mapped'] + excused + misplaced;
  const share = (count: number) => `${count} of ${ours} (${((100 * count) / Math.max(1, ours)).toFixed(2)} %)`;
  return [
    ['jobs on a runner of another profile', share(excused + misplaced)],
    ['those that could have been known', share(misplaced)],
    ['jobs that runners of others took', String(counts['taken by others'])],
  ];
}
