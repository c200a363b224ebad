import { expect, it } from 'vitest';
import { explainStateReason } from '../../../../autoscaler/runner-types/ec2/state-reason.ts';

it.each<[string | null, RegExp]>([
  [null, /^the last line of its log says why$/],
  ['Client.InstanceInitiatedShutdown: Instance initiated shutdown', /^the last line of its log says why$/],
  ['Client.InternalError: Client error on launch', /^EC2 says: Client\.InternalError: .*AWSServiceRoleForEC2Spot/],
  ['Client.InvalidKMSKey.InvalidState: the key is disabled', /kmsKeyArn/],
  ['Client.VolumeLimitExceeded: Volume limit exceeded', /quota of EBS/],
  ['Server.InternalError: An internal error', /^EC2 says: Server\.InternalError: An internal error$/],
])('an instance that ended before it took a job, of which EC2 says %s', (reason, told) => {
  expect(explainStateReason(reason)).toMatch(told);
});
