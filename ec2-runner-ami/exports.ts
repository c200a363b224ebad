import { parameterNameOf } from '../infrastructure/lib/parameter-names.ts';

export const architectures = ['x86_64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** Names of the SSM parameters that the AMI pipeline publishes for one architecture. */
export function amiParameters(deployment: string, architecture: Architecture) {
  return {
    /** Id of the newest AMI, data type `aws:ec2:image`. */
    imageId: parameterNameOf(deployment, 'ec2-runner-ami', `${architecture}/image-id`),
  };
}
