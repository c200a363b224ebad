import type { LaunchProfile } from '../../environment.ts';

export type Lifecycle = 'spot' | 'on-demand';

export type FleetRequest = {
  readonly profile: LaunchProfile;
  readonly subnetIds: readonly string[];
  readonly lifecycle: Lifecycle;
  readonly count: number;
  readonly tags: Readonly<Record<string, string>>;
};

/** What EC2 gave: maybe fewer instances than asked for, and why. `ended`: this launch was made before and its instances are gone. */
export type FleetAnswer = {
  readonly instanceIds: readonly string[];
  readonly errorCodes: readonly string[];
  readonly ended: boolean;
};

export type Instances = {
  /**
   * One CreateFleet `instant`. Lack of capacity is an answer, not an error.
   *
   * @throws {LaunchThrottledError} when EC2 wants to be asked later.
   * @throws {PermanentLaunchError} when asking again is useless.
   */
  launch(request: FleetRequest, clientToken: string): Promise<FleetAnswer>;
  /** Terminates instances; those that are gone already count as terminated. */
  terminate(instanceIds: readonly string[]): Promise<void>;
};
