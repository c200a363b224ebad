import { z } from 'zod';
import type { Fault } from './faults.ts';

export const reconcilerSchema = z.strictObject({
  /**
   * Factor of all that the reconciler waits for before it takes a step for dead, a stray for settled or a second look
   * for another one: 2 is twice as patient. Below 1 it would end starts that are still under way, so that this is for
   * trials with a GitLab on the same machine alone.
   */
  patience: z.number().min(0.02).max(10).default(1),
});
export type ReconcilerSettings = z.output<typeof reconcilerSchema>;

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Nothing on AWS reaches a GitLab on a loopback address: a deployment of real use is never impatient. */
export function reconcilerFaults(settings: ReconcilerSettings | undefined, gitlabUrl: string | undefined): Fault[] {
  if (!settings || settings.patience >= 1 || !gitlabUrl || loopback.includes(new URL(gitlabUrl).hostname)) return [];
  const message = `is ${settings.patience}, which would end runners that are still starting; give at least 1 (less is for a GitLab on this machine)`;
  return [{ path: ['reconciler', 'patience'], message }];
}
