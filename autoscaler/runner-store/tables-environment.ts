import * as z from 'zod/mini';
import type { TableNames } from './transact-items.ts';

const nonEmpty = z.string().check(z.minLength(1));

/** Environment of every Lambda of this app. */
export const tablesEnvironment = z.object({
  DEPLOYMENT: nonEmpty,
  RUNNERS_TABLE: nonEmpty,
  TICKETS_TABLE: nonEmpty,
  WAITING_TICKETS_TABLE: nonEmpty,
});

export function tableNamesOf({
  RUNNERS_TABLE,
  TICKETS_TABLE,
  WAITING_TICKETS_TABLE,
}: z.infer<typeof tablesEnvironment>): TableNames {
  return { runners: RUNNERS_TABLE, tickets: TICKETS_TABLE, waitingTickets: WAITING_TICKETS_TABLE };
}
