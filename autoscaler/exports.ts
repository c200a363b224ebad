import { parameterNameOf } from '../infrastructure/lib/parameter-names.ts';

/** Names of the SSM parameters that the autoscaler app publishes, for the command line. */
export function autoscalerParameters(deployment: string) {
  const name = (key: string) => parameterNameOf(deployment, 'autoscaler', key);
  return {
    /** Name of the table with the job mappings. */
    mappingsTable: name('mappings-table'),
    /** Name of the table with the runners' items and the counters of the caps. */
    runnersTable: name('runners-table'),
    /** Name of the table with the tickets. */
    ticketsTable: name('tickets-table'),
    /** URL of the dead-letter queue of the event rules. */
    deadLetterQueueUrl: name('dead-letter-queue-url'),
  };
}
