import type { LaunchSource } from '../../runner-store/runner-item.ts';

export type Lifecycle = 'spot' | 'on-demand';

export type FleetRequest = {
  readonly source: LaunchSource;
  readonly lifecycle: Lifecycle;
  readonly count: number;
  readonly tags: Readonly<Record<string, string>>;
};

/**
 * What EC2 gave: maybe fewer instances than asked for, and why. `verdict` says what the missing ones mean: `answered`,
 * that these pools have no more; `throttled`, that EC2 wants to be asked later, in a new call, since this token has its
 * answer; `ended`, that this launch was made before and its instances are gone.
 */
export type FleetAnswer = {
  readonly instanceIds: readonly string[];
  readonly errorCodes: readonly string[];
  readonly verdict: 'answered' | 'throttled' | 'ended';
};

export type Instances = {
  /**
   * One CreateFleet `instant`. Lack of capacity is an answer, not an error.
   *
   * @throws {LaunchThrottledError} when EC2 wants to be asked later: the same call, with the same token.
   * @throws {LaunchTokenReusedError} when the token belongs to another call.
   * @throws {PermanentLaunchError} when asking again is useless.
   */
  launch(request: FleetRequest, clientToken: string): Promise<FleetAnswer>;
  /** Terminates instances; those that are gone already count as terminated. */
  terminate(instanceIds: readonly string[]): Promise<void>;
};
