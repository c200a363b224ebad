/** Where AWS is and who asks, as the AWS CLI takes it on the command line. */
export type AwsOptions = {
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
  readonly endpointUrl?: string | undefined;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Keys in the environment, which `--profile` has to win over. */
const staticKeys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;

/**
 * What has to change in the environment (undefined: to be removed) so that the AWS SDK does what the AWS CLI does with
 * the same options and the same environment: an option wins over the environment, `AWS_DEFAULT_REGION` and
 * `AWS_DEFAULT_PROFILE` count as well, which the SDK does not read.
 * Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
 */
export function awsEnvironmentChanges(
  options: AwsOptions,
  environment: Environment,
): Record<string, string | undefined> {
  const changes: Record<string, string | undefined> = {};
  const region = options.region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (region) changes.AWS_REGION = region;
  const profile = options.profile ?? environment.AWS_PROFILE ?? environment.AWS_DEFAULT_PROFILE;
  if (profile) changes.AWS_PROFILE = profile;
  if (options.profile) for (const key of staticKeys) changes[key] = undefined;
  if (options.endpointUrl) changes.AWS_ENDPOINT_URL = options.endpointUrl;
  return changes;
}
