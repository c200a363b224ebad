import type * as z from 'zod/mini';
import type { JobMapping } from '../../autoscaler/job-mappings/job-mapping.ts';
import type { LaunchGroup, RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { nameOfHost } from '../../autoscaler/runner-store/ticket-place.ts';
import type { runnerChoiceSchema } from '../../autoscaler/start-runner/start-runner-input.ts';
import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';

/** When every test begins: milliseconds since 1970. */
export const testStart = Date.parse('2030-01-01T00:00:00.000Z');

/** A job that waits for a runner, as the bus tells it. */
export function pendingJob(changes: Partial<JobEvent> = {}): JobEvent {
  return {
    jobId: 1,
    projectId: 7,
    jobName: 'build',
    stage: 'test',
    status: 'pending',
    projectPath: 'group/project',
    pipelineId: 50,
    ref: 'main',
    runnerId: null,
    occurredAt: '2030-01-01T00:00:00.000Z',
    receivedAt: '2030-01-01T00:00:01.000Z',
    failureReason: null,
    deliveryId: null,
    ...changes,
  };
}

/** A job that a runner took. */
export function runningJob(changes: Partial<JobEvent> = {}): JobEvent {
  return pendingJob({ status: 'running', occurredAt: '2030-01-01T00:00:31.000Z', ...changes });
}

/** A job that is over. */
export function finishedJob(changes: Partial<JobEvent> = {}): JobEvent {
  return pendingJob({ status: 'success', occurredAt: '2030-01-01T00:05:00.000Z', ...changes });
}

type Choice = z.output<typeof runnerChoiceSchema>;

/** What ChooseRunner decided for a job. */
export function choice(changes: Partial<Choice> = {}): Choice {
  return {
    type: 'EC2',
    profile: 'default',
    functionArn: null,
    mapping: null,
    tags: [],
    timeoutSeconds: 3_600,
    caps: [],
    ...changes,
  };
}

/** The item of a job's runner. `jobId` and `projectId` name the job, unless `event` does. */
export function runnerItem({
  jobId = 1,
  projectId = 7,
  ...changes
}: Partial<RunnerItem> & { readonly jobId?: number; readonly projectId?: number } = {}): RunnerItem {
  const event = changes.event ?? pendingJob({ jobId, projectId });
  return {
    pk: jobKeyOf(event),
    state: 'ADMITTED',
    jobState: 'PENDING',
    attempt: 1,
    admittedBy: `execution-of-${event.jobId}`,
    event,
    ...choice(),
    admittedAt: '2030-01-01T00:00:02.000Z',
    live: changes.state === 'WAITING' && !changes.waitsFor ? 'waiting' : 'live',
    ...changes,
  };
}

/** The unique id of the role that hosts have in tests. */
export const hostRoleId = 'AROAFAKE';

/** What IAM calls such a host, and where its ticket is. */
export const nameOf = (instanceId = '') => nameOfHost(hostRoleId, instanceId);

/** A launch group, as it is written down before its launch. */
export function launchGroupOf(changes: Partial<LaunchGroup> = {}): LaunchGroup {
  return {
    id: 'g',
    jobs: ['job#7#1'],
    profile: 'default',
    begunAt: '2030-01-01T00:00:00.000Z',
    source: {
      launchTemplateId: 'lt-1',
      launchTemplateVersion: '3',
      hostRoleId,
      instanceTypes: ['m7a.large', 'm7i.large'],
      subnetIds: ['subnet-1', 'subnet-2'],
      onDemand: 'fallback',
    },
    ...changes,
  };
}

/**
 * EC2 takes a spot instance back, as it tells the account's bus. Source:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
export function spotWarning(instanceId: string) {
  return {
    version: '0',
    id: '12345678-1234-1234-1234-123456789012',
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    source: 'aws.ec2',
    account: '123456789012',
    time: '2030-01-01T00:02:00Z',
    region: 'eu-west-1',
    resources: [`arn:aws:ec2:eu-west-1a:instance/${instanceId}`],
    detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
  };
}

/**
 * An instance changed its state. Source:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
 */
export function instanceState(instanceId: string, state: string) {
  return {
    ...spotWarning(instanceId),
    'detail-type': 'EC2 Instance State-change Notification',
    time: '2030-01-01T00:04:00Z',
    resources: [`arn:aws:ec2:eu-west-1:123456789012:instance/${instanceId}`],
    detail: { 'instance-id': instanceId, state },
  };
}

/** What GitLab says about a job. */
export function gitlabJob(changes: Partial<NamedJob> = {}): NamedJob {
  const names = { name: 'build', stage: 'test', ref: 'main', pipelineId: 50, projectPath: 'group/project' };
  return { id: 1, status: 'pending', tags: [], runnerId: null, systemId: null, ...names, ...changes };
}

/** A usable row of the mappings table. */
export function jobMapping(changes: Partial<JobMapping> = {}): JobMapping {
  const { jobName = '*', tags = [] } = changes;
  return {
    id: `job#${jobName} tags#${tags.join('#')}`,
    jobName,
    tags,
    target: { type: 'EC2', profile: 'default' },
    ...changes,
  };
}

/**
 * What Lambda puts on the bus, as `detail`, when the function of a job's attempt failed, by default of its second one.
 */
export function invocationFailure({
  attempt = 2,
  condition = 'RetriesExhausted',
  responseContext = { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  ...changes
}: {
  readonly attempt?: number;
  readonly condition?: string;
  readonly responseContext?: object | undefined;
  readonly responsePayload?: unknown;
} = {}) {
  return {
    version: '1.0',
    timestamp: '2030-01-01T00:00:40.000Z',
    requestContext: {
      requestId: '00000000-0000-0000-0000-000000000000',
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:shell:$LATEST',
      condition,
      approximateInvokeCount: 1,
    },
    requestPayload: { kind: 'run-job', job: { projectId: 7, jobId: 1, jobName: 'build' }, attempt },
    responseContext,
    responsePayload: { errorType: 'Error', errorMessage: 'lost', trace: [] },
    ...changes,
  };
}
