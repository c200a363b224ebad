import { z } from 'zod';
import { webhookNetworkFault, webhookNetworksText } from '../kit/webhook-networks.ts';
import { distinct } from './lists.ts';

/** A function's whole environment may have 4 KiB, most of which `allowedProjects` may take. */
const longestNetworksCharacters = 500;

/** What the webhook asks of calls, beside a proof that they are GitLab's. */
export const webhookSchema = z.strictObject({
  /**
   * Take signed calls alone (GitLab 19.0 and newer; a signing token in the hook). The secret token is the same in each
   * call: whoever sees one can send others.
   */
  signatureOnly: z.boolean().default(false),
  /**
   * Networks that calls may come from, such as 192.0.2.0/24; `gitlab.com` are those of GitLab.com. Every network when
   * empty.
   */
  allowedNetworks: distinct(
    z.string().superRefine((network, context) => {
      const fault = webhookNetworkFault(network);
      if (fault !== null) context.addIssue(fault);
    }),
  )
    .refine((networks) => webhookNetworksText(networks).length <= longestNetworksCharacters, {
      error: `has more than ${longestNetworksCharacters} characters in all; name larger networks`,
    })
    .default([]),
});

export type WebhookSettings = z.output<typeof webhookSchema>;
