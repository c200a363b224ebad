/**
 * Why an instance ended that took no job, for people. EC2's reason comes with its code in front.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
 */
export function explainStateReason(reason: string | null): string {
  // It ended by itself, as every host does that cannot serve a job.
  if (reason === null || reason.startsWith('Client.InstanceInitiatedShutdown')) return ownEnd;
  const remedy = remedies.find(([pattern]) => pattern.test(reason))?.[1];
  return `EC2 says: ${reason}${remedy === undefined ? '' : `. ${remedy}`}`;
}

const ownEnd = 'the last line of its log says why';

/** What may be done about the key of a disk that an instance, or EC2 for it, may not use. */
export const remedyOfVolumeKey =
  'Where the disk has a key of your own (kmsKeyArn, ami.kmsKeyArn, or an imageParameter’s), its policy must let the ' +
  'launcher’s role use it, and EC2 Spot’s (AWSServiceRoleForEC2Spot): "deployment key-policy" prints how';

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [/^Client\.(?:InternalError|InvalidKMSKey|KMS)/, remedyOfVolumeKey],
  [/^Client\.VolumeLimitExceeded/, 'Raise the account’s quota of EBS storage'],
  [/^Client\.InvalidSnapshot/, 'The image’s snapshot is gone: build the image again'],
  [/^Client\.UserInitiatedShutdown/, 'Somebody, or a rule of the account, ended it'],
];
