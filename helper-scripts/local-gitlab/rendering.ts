import type { Instance } from './instance.ts';

/** A record as the REST API shows it. */
export type Entity = Readonly<Record<string, unknown>>;

/** `busy` says whether a job runs on a runner or a manager. */
export interface Rendering {
  readonly instance: Instance;
  readonly now: Date;
  runnerIsBusy(runnerId: number): boolean;
  managerIsBusy(managerId: number): boolean;
}
