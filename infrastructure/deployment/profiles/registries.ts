import { z } from 'zod';
import { addressSchema } from '../address.ts';
import { distinct } from '../lists.ts';

const ecrPattern =
  /^(?<host>(?<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)(?:\/(?<repositories>[a-z0-9*][a-z0-9._/*-]*))?$/;

/** Private registries from which the hosts pull the images of jobs. */
export const registriesSchema = z.strictObject({
  /**
   * Registries of ECR, of any account and region: `123456789012.dkr.ecr.eu-west-1.amazonaws.com`, and for some of its
   * repositories alone `.../team/*`. The hosts' role may pull from them; one of another account must allow it too, by
   * the repositories' policies.
   */
  ecr: distinct(
    z
      .string()
      .regex(
        ecrPattern,
        'write a registry such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com, or with repositories: .../team/*',
      ),
  ).default([]),
  /**
   * ARN of a secret in Secrets Manager with the credentials of other registries, in the words of docker's
   * `config.json`: `{"auths":{"registry.example.com":{"auth":"..."}}}`. The hosts read it; jobs do not see it, unless
   * they own the host (the shell executor, `privileged`, the host's docker socket).
   */
  secretArn: z
    .string()
    .regex(
      /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
      'write the ARN of a secret, such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:registries-AbCdEf',
    )
    .optional(),
  /**
   * Address of a mirror of Docker Hub, which docker asks first. Docker-in-docker has a daemon of its own: tell it by
   * its service's `command`.
   */
  mirror: addressSchema('https://mirror.example.com').optional(),
});
export type Registries = z.output<typeof registriesSchema>;

/**
 * The `config.json` of docker that names the credential helper for each registry of ECR; empty without registries that
 * ask for credentials.
 */
export function dockerConfigOf(registries: Registries | undefined): string {
  if (!registries || (registries.ecr.length === 0 && !registries.secretArn)) return '';
  const hosts = [...new Set(registries.ecr.map((registry) => partsOf(registry).host))];
  return JSON.stringify({ credHelpers: Object.fromEntries(hosts.map((host) => [host, 'ecr-login'])) });
}

export type RegistryStatement = { readonly actions: string[]; readonly resources: string[] };

/**
 * What the hosts' role must be allowed for its registries. The login of ECR knows no resources; it opens nothing by
 * itself.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-pull-iam.html
 */
export function registryStatementsOf(registries: Registries | undefined, partition: string): RegistryStatement[] {
  if (!registries) return [];
  const { ecr, secretArn } = registries;
  const repositories = ecr.map((registry) => {
    const { region, account, repositories: path = '*' } = partsOf(registry);
    return `arn:${partition}:ecr:${region}:${account}:repository/${path}`;
  });
  return [
    ...(repositories.length === 0
      ? []
      : [
          { actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
          {
            actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            resources: repositories,
          },
        ]),
    ...(secretArn ? [{ actions: ['secretsmanager:GetSecretValue'], resources: [secretArn] }] : []),
  ];
}

function partsOf(registry: string) {
  const { host = '', account = '', region = '', repositories } = ecrPattern.exec(registry)?.groups ?? {};
  return { host, account, region, repositories };
}
