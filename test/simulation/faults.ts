import type { Fault, FaultKind } from './schedule.ts';

type OfKind<Kind extends FaultKind['kind']> = Fault & { readonly kind: Kind };

/** The faults of a run, asked for where they may strike; what struck is counted. */
export type Faults = {
  /** The fault of a kind that strikes here, if any. */
  strike<Kind extends FaultKind['kind']>(kind: Kind, where: (fault: OfKind<Kind>) => boolean): OfKind<Kind> | undefined;
  /** The fault of a kind that strikes at its nth such moment; counts the moments itself. */
  strikeNth<Kind extends FaultKind['kind'] & NthKind>(kind: Kind): OfKind<Kind> | undefined;
  /** Whether a fault that lasts is on. */
  isOn(kind: WindowKind): boolean;
  /** The fault that lasts and is on, if any. */
  now<Kind extends WindowKind>(kind: Kind): OfKind<Kind> | undefined;
  all<Kind extends FaultKind['kind']>(kind: Kind): readonly OfKind<Kind>[];
  count(kind: string): void;
  readonly struck: ReadonlyMap<string, number>;
};

type NthKind = Extract<FaultKind, { readonly nth: number }>['kind'];
type WindowKind = Extract<FaultKind, { readonly from: number }>['kind'];

export function createFaults(faults: readonly Fault[], secondsSinceStart: () => number): Faults {
  const struck = new Map<string, number>();
  const moments = new Map<string, number>();
  const byKind = Map.groupBy(faults, ({ kind }) => kind);
  const all = <Kind extends FaultKind['kind']>(kind: Kind) =>
    (byKind.get(kind) ?? []) as unknown as readonly OfKind<Kind>[];
  const count = (kind: string) => {
    struck.set(kind, (struck.get(kind) ?? 0) + 1);
  };
  const strike: Faults['strike'] = (kind, where) => {
    const fault = all(kind).find(where);
    if (fault) count(kind);
    return fault;
  };
  const now: Faults['now'] = (kind) => {
    const at = secondsSinceStart();
    const isNow = ({ from, seconds }: { from: number; seconds: number }) => from <= at && at < from + seconds;
    return strike(kind, (fault) => isNow(fault as never));
  };
  return {
    struck,
    all,
    count,
    strike,
    strikeNth(kind) {
      const moment = (moments.get(kind) ?? 0) + 1;
      moments.set(kind, moment);
      return strike(kind, (fault) => (fault as { readonly nth: number }).nth === moment);
    },
    isOn: (kind) => now(kind) !== undefined,
    now,
  };
}
