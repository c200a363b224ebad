import {
  type DeleteSnapshotReturnCode,
  DeregisterImageCommand,
  EC2Client,
  paginateDescribeImages,
} from '@aws-sdk/client-ec2';
import { DeleteParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { deploymentTag } from '../infrastructure/deployment/deployment-tag.ts';
import { imageTag } from './image-tags.ts';

/** The images that were built for a deployment, whatever became of their pipelines. */
export type Images = {
  readonly list: () => Promise<readonly string[]>;
  /** With its snapshots. Already gone is success. @throws {SnapshotsLeftError} */
  readonly remove: (imageId: string) => Promise<void>;
  /** Removes the parameters that name the newest. */
  readonly forget: () => Promise<void>;
};

/** An image is gone, and snapshots of it are not. */
export class SnapshotsLeftError extends Error {
  override readonly name = 'SnapshotsLeftError';
}

export function createImages(
  deployment: string,
  parameterNames: readonly string[],
  ec2 = new EC2Client({ maxAttempts: 5 }),
  ssm = new SSMClient({ maxAttempts: 5 }),
): Images {
  return {
    list: async () => {
      const Filters = [
        { Name: `tag:${deploymentTag}`, Values: [deployment] },
        { Name: 'tag-key', Values: [imageTag] },
      ];
      const found: string[] = [];
      for await (const { Images: page = [] } of paginateDescribeImages(
        { client: ec2 },
        { Owners: ['self'], Filters },
      )) {
        found.push(...page.flatMap(({ ImageId }) => (ImageId === undefined ? [] : [ImageId])));
      }
      return found;
    },
    remove: async (imageId) => {
      try {
        const command = new DeregisterImageCommand({ ImageId: imageId, DeleteAssociatedSnapshots: true });
        const { DeleteSnapshotResults: results = [] } = await ec2.send(command);
        // A snapshot that another image has too is skipped: it is not this one's alone.
        const left = results.filter(({ ReturnCode }) => ReturnCode !== 'success' && ReturnCode !== 'skipped');
        if (left.length > 0) throw new SnapshotsLeftError(tellSnapshots(imageId, left));
      } catch (error) {
        if (error instanceof Error && error.name === 'InvalidAMIID.Unavailable') return;
        throw error;
      }
    },
    forget: async () => {
      await ssm.send(new DeleteParametersCommand({ Names: [...parameterNames] }));
    },
  };
}

function tellSnapshots(imageId: string, left: readonly DeleteSnapshotReturnCode[]): string {
  const names = left.map(({ SnapshotId, ReturnCode }) => `${SnapshotId} (${ReturnCode})`).join(', ');
  return `${imageId} is gone, but not its snapshots ${names}: delete them by hand`;
}
