/**
 * What one pass leaves to the next, in one small item. A key names a suspicion (`remove-instance i-1`): what looked
 * wrong, and in how many looks in a row.
 */
export type ReconcilerMemory = {
  readonly suspicions: Readonly<Record<string, Suspicion>>;
  /** When the present round over the known projects began: milliseconds since 1970. */
  readonly roundStartedAt: number;
  /** The project that the round goes on after; null when the round is complete. */
  readonly roundCursor: number | null;
  /** When the configured projects and groups were looked up last. */
  readonly discoveredAt: number;
  /** How far a look-up came that one pass could not finish; `complete`: whether GitLab has said all so far. */
  readonly discovery?: { readonly pattern: number; readonly page: number; readonly complete: boolean } | undefined;
  /** Where there are LAMBDA profiles: when the account's limit was asked for last, and what it is, if that is known. */
  readonly lambdaLimit?: { readonly unreserved?: number; readonly lookedAt: number } | undefined;
  /** Counts the writes: of two passes at the same time only one is remembered. */
  readonly version: number;
};

/** Times are milliseconds since 1970. */
export type Suspicion = {
  readonly since: number;
  readonly lastLook: number;
  readonly looks: number;
  /** How often the repair was tried, and when last. */
  readonly tries: number;
  readonly lastTry: number;
};

export const emptyMemory: ReconcilerMemory = {
  suspicions: {},
  roundStartedAt: 0,
  roundCursor: null,
  discoveredAt: 0,
  version: 0,
};
