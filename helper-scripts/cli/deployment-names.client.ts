import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { UsageError } from './usage-error.ts';

/** The value that an app published. @throws {UsageError} when the app is not deployed where we look. */
export async function readParameter(name: string, ssm = new SSMClient({})): Promise<string> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return Parameter?.Value ?? '';
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
    const [, deployment, app] = name.split('/');
    const region = await ssm.config.region();
    throw new UsageError(
      `The app "${app}" of the deployment "${deployment}" is not in ${region} of this account (no parameter ${name}): deploy it, or choose another --deployment, --region or --profile`,
      { cause: error },
    );
  }
}
