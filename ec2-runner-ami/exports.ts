import type { Architecture } from '../infrastructure/kit/architecture.ts';
import { parameterNameOf } from '../infrastructure/kit/cdk/parameter-names.ts';

/** Names of the SSM parameters that the AMI pipeline publishes for one architecture. */
export function amiParameters(deployment: string, architecture: Architecture) {
  return {
    /** Id of the newest AMI, data type `aws:ec2:image`. */
    imageId: parameterNameOf(deployment, 'ec2-runner-ami', `${architecture}/image-id`),
  };
}
