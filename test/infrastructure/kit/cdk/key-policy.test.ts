import { expect, it } from 'vitest';
import { keyPolicyStatementsOf } from '../../../../infrastructure/kit/cdk/key-policy.ts';

it('a key lets the logs of its account and region use it, events on their way to a queue, and the disks of spot instances', () => {
  const statements = keyPolicyStatementsOf(
    'arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012',
  );
  const role = 'arn:aws:iam::123456789012:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot';
  expect(statements.map(({ Principal }) => Principal)).toEqual([
    { Service: 'logs.eu-west-1.amazonaws.com' },
    { Service: 'events.amazonaws.com' },
    { AWS: role },
    { AWS: role },
  ]);
  expect(JSON.stringify(statements[0])).toContain('arn:aws:logs:eu-west-1:123456789012:log-group:*');
  // Nobody but AWS's services comes by these: everybody else needs IAM's word too.
  for (const { Principal } of statements) expect(JSON.stringify(Principal)).toMatch(/amazonaws\.com/);
});
