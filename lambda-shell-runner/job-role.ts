import type { LambdaRunnerPayload } from '../infrastructure/kit/runner-ticket.ts';
import { sessionTagsOf } from './session-tags.ts';

/** Credentials of the role that a job may use. */
export type JobCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly region: string;
};

/**
 * No function lasts longer, and STS gives no credentials for less.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
const jobCredentialsSeconds = 900;

/**
 * The parameters of the AssumeRole call for one job. Its session is named for project and job, so that CloudTrail tells
 * who did what, and tagged with them, so that policies can tell projects apart. The job is the one that the runner was
 * made for: GitLab may give the runner another one, of the same project and with the same tags.
 */
export function assumeRoleParametersOf(
  roleArn: string,
  { job }: LambdaRunnerPayload,
): Readonly<Record<string, string>> {
  const members = Object.entries(sessionTagsOf(job)).flatMap(([key, value], index) => [
    [`Tags.member.${index + 1}.Key`, key] as const,
    [`Tags.member.${index + 1}.Value`, value] as const,
  ]);
  return {
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: `gitlab-${job.projectId}-${job.jobId}`,
    DurationSeconds: String(jobCredentialsSeconds),
    ...Object.fromEntries(members),
  };
}

/** Reads STS's answer, which is XML; null when it is not that. */
export function readAssumedRole(xml: string): Omit<JobCredentials, 'region'> | null {
  const textIn = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]?.trim();
  const accessKeyId = textIn('AccessKeyId');
  const secretAccessKey = textIn('SecretAccessKey');
  const sessionToken = textIn('SessionToken');
  return accessKeyId && secretAccessKey && sessionToken ? { accessKeyId, secretAccessKey, sessionToken } : null;
}

/**
 * The file that the AWS CLI and every SDK read credentials from. A file rather than variables, since a job that prints
 * its environment would print those into its log.
 */
export function renderCredentialsFile({ accessKeyId, secretAccessKey, sessionToken }: JobCredentials): string {
  return [
    '[default]',
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
    `aws_session_token = ${sessionToken}`,
    '',
  ].join('\n');
}
