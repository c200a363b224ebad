import { type JobKey, parseJobKey } from '../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from './runner-item.ts';

/*
 * Where a ticket lies is who can take it. As long as its host is not known it has its job's key and lies in a table of
 * which no host may do anything. Then it lies in the table of tickets, under a name that IAM gives to this host alone
 * (EC2), or behind its function's prefix and a random id that only the one invocation is told (LAMBDA).
 */

/** Whether a ticket with this key waits for its host, out of reach of all of them. */
export function waitsForHost(ticketId: string): ticketId is JobKey {
  return parseJobKey(ticketId) !== null;
}

/**
 * What IAM calls an instance: `aws:userid` of the session that it gets through its profile.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
 */
export function nameOfHost(hostRoleId: string, instanceId: string): string {
  return `${hostRoleId}:${instanceId}`;
}

/** The same as a policy says it: whoever asks. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: IAM fills it in
export const askingHost = '${aws:userid}';

/** Key of a ticket for one invocation of a LAMBDA profile's function; with `*` as id, all of those. */
export function functionTicketId(profile: string, id: string): string {
  return `function#${profile}#${id}`;
}

/**
 * Key of the ticket that an item's host may claim. Hosts that were launched before they had such names looked under
 * their instance's id.
 */
export function hostTicketIdOf({ claimsAs, instanceId }: Pick<RunnerItem, 'claimsAs' | 'instanceId'>) {
  return claimsAs ?? instanceId;
}
