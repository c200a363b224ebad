import { parameterNameOf } from '../infrastructure/kit/cdk/parameter-names.ts';
import type { RunnerType } from './job-mappings/job-mapping.ts';

/** Names of the SSM parameters that the autoscaler app publishes, for the command line. */
export function autoscalerParameters(deployment: string) {
  const name = (key: string) => parameterNameOf(deployment, 'autoscaler', key);
  return {
    /** Name of the table with the job mappings. */
    mappingsTable: name('mappings-table'),
    /** Name of the table with the runners' items and the counters of the caps. */
    runnersTable: name('runners-table'),
    /** Name of the table with the tickets that hosts may claim. */
    ticketsTable: name('tickets-table'),
    /** Name of the table with the tickets whose hosts are not known yet. */
    waitingTicketsTable: name('waiting-tickets-table'),
    /** What mappings can name: {@link DeployedProfiles} as JSON. */
    profiles: name('profiles'),
    /** The dead-letter queues: {@link DeadLetterQueues} as JSON. */
    deadLetterQueues: name('dead-letter-queues'),
  };
}

/** By name of a profile: its type, and the function of a LAMBDA one. */
export type DeployedProfiles = Readonly<
  Record<string, { readonly type: RunnerType; readonly functionArn?: string | undefined }>
>;

/** By name: where dead letters lie, and where one goes when it is sent again. */
export type DeadLetterQueues = Readonly<
  Record<string, { readonly url: string; readonly to: 'bus' | 'queue'; readonly target: string }>
>;
