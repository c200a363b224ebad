import { type AwsEnvironment, awsEnvironmentOf, awsVariables } from '../kit/aws/aws-environment.ts';

/** What the Lambda is told by its environment. */
export type IngestEnvironment = {
  readonly eventBusArn: string;
  readonly webhookSecretArn: string;
  /** Regular expression over project paths; empty for every project. */
  readonly allowedProjects: string;
  /** Networks with commas between them; empty for every network. */
  readonly allowedNetworks: string;
  /** No token, which is the same in each call, is taken for a proof. */
  readonly signatureOnly: boolean;
  readonly aws: AwsEnvironment;
};

/** The environment lacks variables; the message names them all. */
export class IngestEnvironmentError extends Error {
  override readonly name = 'IngestEnvironmentError';
}

const required = ['EVENT_BUS_ARN', 'WEBHOOK_SECRET_ARN', ...awsVariables] as const;

/** Reads the environment, without the schema library that the other Lambdas use. @throws {IngestEnvironmentError} */
export function readIngestEnvironment(variables: Readonly<Record<string, string | undefined>>): IngestEnvironment {
  const missing = required.filter((name) => !variables[name]);
  if (missing.length > 0) throw new IngestEnvironmentError(`the environment lacks ${missing.join(', ')}`);
  const read = (name: (typeof required)[number]) => variables[name] as string;
  return {
    eventBusArn: read('EVENT_BUS_ARN'),
    webhookSecretArn: read('WEBHOOK_SECRET_ARN'),
    allowedProjects: variables.ALLOWED_PROJECTS ?? '',
    allowedNetworks: variables.ALLOWED_NETWORKS ?? '',
    signatureOnly: variables.SIGNATURE_ONLY === 'true',
    aws: awsEnvironmentOf(variables),
  };
}
