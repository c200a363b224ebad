import { z } from 'zod';
import { addressSchema } from './address.ts';
import { certificatesSchema } from './certificates.ts';
import { webhookSchema } from './webhook.ts';

/** Where GitLab is, and how its certificate is trusted. */
export const gitlabSchema = z.strictObject({
  /** Base URL of GitLab, as runners and Lambdas reach it. */
  url: addressSchema('https://gitlab.example.com').default('https://gitlab.com'),
  /** Base URL from which jobs clone, when it is another one. */
  cloneUrl: addressSchema('https://git.example.com').optional(),
  /**
   * Certificates in PEM by which everything of ours trusts GitLab, when no public authority vouches for it: those of
   * its authority, the root included, or its own when it signed that itself. Lambdas and GitLab Runner trust them
   * beside the public ones; git in jobs, and a host that removes its runner, trust them alone.
   */
  caCertificates: certificatesSchema.optional(),
  /** Which calls of GitLab's job hook are looked at. */
  webhook: webhookSchema.prefault({}),
});
