import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { jobEventSource } from '../../infrastructure/kit/job-event-types.ts';
import type { EventBus } from './event-bus.ts';

/** The bus did not take an event. */
export class EventRefusedError extends Error {
  override readonly name = 'EventRefusedError';
}

/**
 * The deployment's bus, on which the existing workflows listen. `tell` throws {@link EventRefusedError}, which
 * PutEvents does not.
 */
export function createEventBus(eventBusArn: string, client = new EventBridgeClient({})): EventBus {
  return {
    async tell(type, detail) {
      const entry = {
        EventBusName: eventBusArn,
        Source: jobEventSource,
        DetailType: type,
        Detail: JSON.stringify(detail),
      };
      const { FailedEntryCount, Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
      if (!FailedEntryCount) return;
      const { ErrorCode = 'no error code', ErrorMessage = '' } = Entries[0] ?? {};
      throw new EventRefusedError(`the bus ${eventBusArn} refused "${type}": ${ErrorCode} ${ErrorMessage}`);
    },
  };
}
