import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { Deployment } from '../../deployment/deployment.ts';
import type { Ec2Profile } from '../../deployment/profiles/ec2-profile.ts';

/** The key of the images that we build; undefined for AWS's own. */
export function imageKeyOf({ ami, kmsKeyArn }: Deployment): string | undefined {
  return ami.kmsKeyArn ?? kmsKeyArn;
}

/** The key of the disks of a profile's hosts: that of our image, or the deployment's for an image that is not ours. */
export function volumeKeyOf(deployment: Deployment, { imageParameter }: Ec2Profile): string | undefined {
  return imageParameter === undefined ? imageKeyOf(deployment) : deployment.kmsKeyArn;
}

/**
 * What whoever starts an instance with an encrypted disk needs of the disk's key, by way of EC2.
 * Source: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
 */
export function volumeKeyStatements(scope: IConstruct, keyArns: readonly string[]): PolicyStatement[] {
  if (keyArns.length === 0) return [];
  const { region, urlSuffix } = Stack.of(scope);
  const throughEc2 = { StringEquals: { 'kms:ViaService': `ec2.${region}.${urlSuffix}` } };
  return [
    new PolicyStatement({
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      resources: [...keyArns],
      conditions: throughEc2,
    }),
    new PolicyStatement({
      actions: ['kms:CreateGrant'],
      resources: [...keyArns],
      conditions: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}
