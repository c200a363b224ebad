/** What the Lambda is told by its environment. */
export type IngestEnvironment = {
  readonly eventBusArn: string;
  readonly webhookSecretArn: string;
  /** Regular expression over project paths; empty for every project. */
  readonly allowedProjects: string;
  readonly aws: AwsEnvironment;
};

/** What signing needs; Lambda sets all but `endpointUrl`. */
export type AwsEnvironment = {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Where every AWS service answers, instead of the region's own addresses. */
  readonly endpointUrl: string | null;
};

/** The environment lacks variables; the message names them all. */
export class IngestEnvironmentError extends Error {
  override readonly name = 'IngestEnvironmentError';
}

const required = [
  'EVENT_BUS_ARN',
  'WEBHOOK_SECRET_ARN',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
] as const;

/** Reads the environment, without the schema library that the other Lambdas use. @throws {IngestEnvironmentError} */
export function readIngestEnvironment(variables: Readonly<Record<string, string | undefined>>): IngestEnvironment {
  const missing = required.filter((name) => !variables[name]);
  if (missing.length > 0) throw new IngestEnvironmentError(`the environment lacks ${missing.join(', ')}`);
  const read = (name: (typeof required)[number]) => variables[name] as string;
  const sessionToken = variables.AWS_SESSION_TOKEN;
  return {
    eventBusArn: read('EVENT_BUS_ARN'),
    webhookSecretArn: read('WEBHOOK_SECRET_ARN'),
    allowedProjects: variables.ALLOWED_PROJECTS ?? '',
    aws: {
      region: read('AWS_REGION'),
      accessKeyId: read('AWS_ACCESS_KEY_ID'),
      secretAccessKey: read('AWS_SECRET_ACCESS_KEY'),
      ...(sessionToken ? { sessionToken } : {}),
      endpointUrl: variables.AWS_ENDPOINT_URL || null,
    },
  };
}
