import { GetInstanceProfileCommand, IAMClient } from '@aws-sdk/client-iam';
import { AwsClient } from 'aws4fetch';
import type { RoleCredentials } from './instance-metadata.server.ts';

export type AwsAccess = {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

export type InstanceRole = { readonly name: string; readonly arn: string };

export type InstanceRoles = {
  /** The role in an instance profile; undefined when the profile has none. */
  roleOf(instanceProfileArn: string): Promise<InstanceRole | undefined>;
  /**
   * Credentials of an instance's session of its role. EC2 names such a session by the instance, which policies may
   * build on.
   */
  credentialsOf(role: InstanceRole, instanceId: string): Promise<RoleCredentials>;
};

/** STS gave no credentials for a role. */
export class AssumeRoleError extends Error {
  override readonly name = 'AssumeRoleError';
}

/** Roles of instances, from IAM and STS of the local AWS. */
export function createInstanceRoles({ endpoint, region, credentials }: AwsAccess): InstanceRoles {
  const iam = new IAMClient({ endpoint, region, credentials });
  const sts = new AwsClient({ ...credentials, region, service: 'sts', retries: 0 });
  return {
    async roleOf(instanceProfileArn) {
      const name = instanceProfileArn.slice(instanceProfileArn.lastIndexOf('/') + 1);
      const answer = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }));
      const role = answer.InstanceProfile?.Roles?.[0];
      return role?.RoleName && role.Arn ? { name: role.RoleName, arn: role.Arn } : undefined;
    },
    async credentialsOf(role, instanceId) {
      const body = new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: role.arn,
        RoleSessionName: instanceId,
      });
      const response = await sts.fetch(endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString(),
      });
      return readCredentials(await response.text(), `AssumeRole of ${role.arn} for ${instanceId} (${response.status})`);
    },
  };
}

/** Four leaves of a fixed answer: not worth an XML parser. */
function readCredentials(xml: string, what: string): RoleCredentials {
  const leaf = (name: string) => {
    const text = new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
    if (text) return text;
    // The answer may hold the other keys: say which leaf is missing, not what came.
    throw new AssumeRoleError(`${what} answered without ${name}; does the role trust ec2.amazonaws.com?`);
  };
  return {
    accessKeyId: leaf('AccessKeyId'),
    secretAccessKey: leaf('SecretAccessKey'),
    sessionToken: leaf('SessionToken'),
    expiration: new Date(leaf('Expiration')),
  };
}
