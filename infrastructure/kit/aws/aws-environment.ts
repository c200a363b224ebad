/** What signing needs; Lambda sets all but `endpointUrl`. */
export type AwsEnvironment = {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Where every AWS service answers, instead of the region's own addresses. */
  readonly endpointUrl: string | null;
};

/** The variables that signing cannot do without. */
export const awsVariables = ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

/** Reads what signing needs from environment variables; what is missing is empty, and refused by AWS. */
export function awsEnvironmentOf(variables: Readonly<Record<string, string | undefined>>): AwsEnvironment {
  const sessionToken = variables.AWS_SESSION_TOKEN;
  return {
    region: variables.AWS_REGION ?? '',
    accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
    ...(sessionToken ? { sessionToken } : {}),
    endpointUrl: variables.AWS_ENDPOINT_URL || null,
  };
}
