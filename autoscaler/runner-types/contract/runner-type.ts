import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import type { RunnerType } from '../../job-mappings/job-mapping.ts';

/** What is different about the runners of a type, for whoever decides about runners of all types. */
export type RunnerTypeTraits = {
  readonly name: RunnerType;
  /**
   * How a registered runner gets its host. `requested`: it is asked for until there is capacity, and boots ahead of its
   * turn, for which it waits without its token. `invoked`: it is started at once or not at all, and costs what a
   * running one costs, so that it is started in its turn only.
   */
  readonly launch: 'requested' | 'invoked';
  /** Where its token waits: under its job, until its host is known, or under a name that the host alone is told. */
  ticketIdOf(runner: { readonly job: JobKey; readonly profile: string; randomId(): string }): string;
  /** Who runs no container: jobs of other types that say `image:` are refused there. */
  readonly refusesImages: boolean;
  /** Counts those that live, under a limit that the whole account has for them; null where none is known. */
  readonly accountCounter: string | null;
  /** Hosts may be interrupted, and there are others that may not, at a price. */
  readonly hasSpot: boolean;
  /** Errors that only a runner of this type can end with; whoever tells them of another one is not believed. */
  readonly ownErrors: readonly string[];
  /** The error of a runner whose ticket nobody came for, when its host is overdue; null where that says nothing. */
  readonly neverStarted: string | null;
  /**
   * In seconds, how long each step of a runner's life may take before it is taken for dead; longer than what ends it by
   * itself.
   */
  readonly longest: {
    /** REGISTERED. */
    readonly launch: number;
    /** LAUNCHED, until it has a job. */
    readonly service: number;
    /** RUNNING, given the job's own time-out. */
    job(timeoutSeconds: number): number;
  };
};
