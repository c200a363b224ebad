import type { JobEvent } from '../../../infrastructure/kit/job-event.ts';
import type { JobEventType } from '../../../infrastructure/kit/job-event-types.ts';
import type { JobKey } from '../../../infrastructure/kit/job-key.ts';
import type { UnwantedRunner } from '../../events/runner-unwanted.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { LaunchRequest } from '../../runner-types/ec2/launch-request.ts';

export const repairKinds = [
  'start-lost-job',
  'start-failed-job',
  'start-forsaken-job',
  'start-waiting-job',
  'request-launch-again',
  'abandon-unfinished-start',
  'abandon-unlaunched-runner',
  'abandon-idle-host',
  'abandon-held-host',
  'abandon-lost-host',
  'abandon-ended-attempt',
  'bind-runner',
  'unbind-runner',
  'finish-job',
  'finish-stop',
  'stop-idle-runner',
  'stop-lost-host',
  'stop-overdue-runner',
  'remove-instance',
  'remove-runner',
  'remove-ticket',
] as const;
export type RepairKind = (typeof repairKinds)[number];

/**
 * How a repair is carried out: by an event or message that the existing parts handle, or by removing what belongs to
 * nothing.
 */
export type RepairAction =
  | { readonly do: 'tell-of-job'; readonly type: JobEventType; readonly event: JobEvent }
  | { readonly do: 'request-launch'; readonly request: LaunchRequest }
  | { readonly do: 'abandon'; readonly job: JobKey; readonly attempt: number; readonly error: string }
  | { readonly do: 'unbind'; readonly item: RunnerItem }
  | { readonly do: 'stop'; readonly runner: UnwantedRunner }
  | { readonly do: 'remove-instance'; readonly instanceId: string }
  | { readonly do: 'remove-runner'; readonly runnerId: number }
  | { readonly do: 'remove-ticket'; readonly id: string; readonly job: JobKey };

/** One thing to mend, and why. */
export type Repair = {
  readonly kind: RepairKind;
  /** What it is about: a job's key, an instance's id, a runner's number. */
  readonly subject: string;
  readonly reason: string;
  readonly action: RepairAction;
};
