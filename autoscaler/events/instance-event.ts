import * as z from 'zod/mini';

/** `DetailType` of what EC2 tells the account's default bus. */
export const spotWarningType = 'EC2 Spot Instance Interruption Warning';
export const stateChangeType = 'EC2 Instance State-change Notification';

/** States on the way to an end, and those from which no job comes back. */
export const endingStates = ['shutting-down', 'stopping'] as const;
export const goneStates = ['terminated', 'stopped'] as const;

const instanceId = z.string().check(z.regex(/^i-[0-9a-f]+$/));

/**
 * An event of EC2's about an instance, anybody's. Only the detail names the instance for sure: the ARNs of warnings
 * lack the account.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
export const instanceEventSchema = z.discriminatedUnion('detail-type', [
  z.object({
    'detail-type': z.literal(spotWarningType),
    time: z.string(),
    detail: z.object({ 'instance-id': instanceId }),
  }),
  z.object({
    'detail-type': z.literal(stateChangeType),
    time: z.string(),
    detail: z.object({ 'instance-id': instanceId, state: z.enum([...endingStates, ...goneStates]) }),
  }),
]);

export type InstanceEvent = z.infer<typeof instanceEventSchema>;

/** `warning`: EC2 takes it back in two minutes; `ending`: it shuts down; `gone`: nothing runs on it any more. */
export type Interruption = {
  readonly kind: 'warning' | 'ending' | 'gone';
  readonly instanceId: string;
  /** ISO 8601. */
  readonly at: string;
};

/** What an event of EC2's means for whatever runs on the instance. */
export function interruptionOf(event: InstanceEvent): Interruption {
  const about = { instanceId: event.detail['instance-id'], at: event.time };
  if (event['detail-type'] === spotWarningType) return { kind: 'warning', ...about };
  const { state } = event.detail;
  return { kind: goneStates.some((gone) => gone === state) ? 'gone' : 'ending', ...about };
}
