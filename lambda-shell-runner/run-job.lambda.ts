import { awsEnvironmentOf } from '../infrastructure/kit/aws/aws-environment.ts';
import { createAwsPost } from '../infrastructure/kit/aws/signed-aws.client.ts';
import { type LambdaContext, lambdaHandler } from '../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../infrastructure/kit/lambda/log.ts';
import {
  type LambdaRunnerPayload,
  lambdaRunnerPayloadSchema,
  type RunnerTicket,
} from '../infrastructure/kit/runner-ticket.ts';
import { withImageRefusal } from './image-refusal.ts';
import { jobEnvironment } from './job-environment.ts';
import { writeAwsCredentials, writeRunnerFiles } from './job-folder.client.ts';
import { type JobOutcome, outcomeOf } from './job-outcome.ts';
import { type AssumeJobRole, createJobRole } from './job-role.client.ts';
import { type JobCredentials, renderCredentialsFile } from './job-role.ts';
import { removeOwnRunner } from './own-runner.client.ts';
import { isShieldedFromJobs } from './processes.client.ts';
import { findRunnerBinary } from './runner-binary.client.ts';
import { readRunnerSettings, renderRunnerConfig, runnerArguments, systemIdOf } from './runner-config.ts';
import { type Patience, patience, planDeadlines, waitTimeoutSeconds } from './runner-deadlines.ts';
import { watchRunner } from './runner-watch.client.ts';
import { createSandbox, type JobSite, type Sandbox } from './sandbox.client.ts';
import { type ClaimTicket, createTicketClaim } from './tickets.client.ts';

export type RunJobPorts = {
  readonly claimTicket: ClaimTicket;
  readonly assumeJobRole: AssumeJobRole;
  /** Removes a runner in GitLab with its own token. */
  readonly removeRunner: (gitlabUrl: string, token: string) => Promise<void>;
  readonly sandbox: Sandbox;
  /** The function's own environment variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly patience: Patience;
  /** Ends this process, so that Lambda starts the next job in a new one. */
  readonly endEnvironment: () => void;
};

/**
 * Runs one GitLab job: claims the runner's ticket, lets gitlab-runner take one job, and leaves nothing behind; a runner
 * that had no job is removed from GitLab, too. It throws only when no runner came to be (`runner-errors.ts`); a job
 * that failed is an outcome like others.
 *
 * When something of a job cannot be removed, the process ends instead of answering: after an error that is merely
 * thrown, Lambda gives the next event to the same process, and after an answer it freezes it at once. The price is that
 * Lambda takes this invocation for failed, whatever became of its job.
 */
export async function runJob(
  input: LambdaRunnerPayload,
  ports: RunJobPorts,
  context: LambdaContext,
): Promise<JobOutcome> {
  const { log } = context;
  const endsAt = Date.now() + context.remainingMilliseconds();
  const binary = await findRunnerBinary(ports.environment);
  const site = await prepareSite(ports, log);
  let removeRunner = () => Promise.resolve();
  try {
    // Before the ticket: without the role there must be no runner that could take a job.
    const credentials = await ports.assumeJobRole(input);
    const ticket = await ports.claimTicket(input.ticketsTable, input.ticketId);
    if (!ticket || ticket.expiresAt * 1_000 <= Date.now()) {
      log.warn('no ticket: it was claimed before, or has expired', { ticketId: input.ticketId });
      return { outcome: 'ticket-missing' };
    }
    removeRunner = onlyOnce(() => unregister(input, ticket, ports, log));
    warnWhenCutShort(input.timeoutSeconds, endsAt, ports.patience, log);
    const outcome = await runRunner({ input, ticket, credentials, binary, site, removeRunner, endsAt }, ports, log);
    log.info('job over', { ...outcome });
    // GitLab forgets with a runner which one had a job, often before it writes the hook: the autoscaler removes this
    // one.
    if (outcome.takenJobId !== undefined) removeRunner = () => Promise.resolve();
    return outcome;
  } finally {
    const [remains] = await Promise.all([site.clear(), removeRunner()]);
    if (remains.length > 0) {
      log.error('the job left something that cannot be removed: ending this environment', { remains });
      ports.endEnvironment();
    }
  }
}

async function prepareSite(ports: RunJobPorts, log: Log): Promise<JobSite> {
  try {
    return await ports.sandbox.prepare();
  } catch (error) {
    log.error('no job may run in this environment: ending it', { error });
    ports.endEnvironment();
    throw error;
  }
}

type Execution = {
  readonly input: LambdaRunnerPayload;
  readonly ticket: RunnerTicket;
  /** What the job may use on AWS; null when its profile gives it nothing. */
  readonly credentials: JobCredentials | null;
  readonly binary: string;
  readonly site: JobSite;
  readonly removeRunner: () => Promise<void>;
  /** When Lambda ends the function, milliseconds since 1970. */
  readonly endsAt: number;
};

async function runRunner(execution: Execution, ports: RunJobPorts, log: Log): Promise<JobOutcome> {
  const { input, ticket, credentials, binary, site, removeRunner, endsAt } = execution;
  const { folder, executionId } = site;
  const runner = { name: input.runnerName, url: input.gitlabUrl, token: ticket.token };
  const settings = withImageRefusal(readRunnerSettings(ports.environment.RUNNER_SETTINGS), input);
  writeRunnerFiles(folder, renderRunnerConfig(runner, folder, settings), systemIdOf(input.ticketId));
  if (credentials) writeAwsCredentials(folder, renderCredentialsFile(credentials));
  const now = Date.now();
  const { story, doings, exit } = await watchRunner({
    command: {
      binary,
      arguments: runnerArguments(folder, input.runnerName, waitTimeoutSeconds),
      folder: folder.root,
      environment: jobEnvironment(ports.environment, folder, executionId, credentials),
    },
    folder,
    token: ticket.token,
    deadlines: planDeadlines(now, endsAt - now, ports.patience),
    patience: ports.patience,
    removeRunner,
    onStarted: site.claimSession,
    log,
  });
  return outcomeOf(story, doings, exit);
}

/** GitLab lets jobs run as long as the runner was registered for; here they end with the function. */
function warnWhenCutShort(timeoutSeconds: number, endsAt: number, limits: Patience, log: Log): void {
  const secondsForJob = Math.floor((endsAt - Date.now() - limits.endJob - limits.cleanUp) / 1_000);
  if (secondsForJob < timeoutSeconds) {
    log.warn('this function ends before the time limit of its runner', { secondsForJob, timeoutSeconds });
  }
}

/** As well as it can be done: what is left of a runner in GitLab, the autoscaler finds and removes. */
async function unregister(
  { gitlabUrl, runnerId }: LambdaRunnerPayload,
  { token }: RunnerTicket,
  ports: RunJobPorts,
  log: Log,
): Promise<void> {
  try {
    await ports.removeRunner(gitlabUrl, token);
  } catch (error) {
    log.warn('runner not removed in GitLab', { runnerId, error });
  }
}

function onlyOnce(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

/** Where AWS puts a function's code: from there we know that no one else uses this machine's `/tmp`. */
const lambdaTaskFolder = '/var/task';

export const handler = lambdaHandler({
  input: lambdaRunnerPayloadSchema,
  logFields: ({ job, runnerId, attempt }) => ({ ...job, runnerId, attempt }),
  ports: () => {
    const aws = awsEnvironmentOf(process.env);
    const post = createAwsPost(aws);
    return {
      claimTicket: createTicketClaim(post),
      assumeJobRole: createJobRole(post, process.env.JOB_ROLE_ARN, aws.region),
      removeRunner: removeOwnRunner,
      sandbox: createSandbox({ scratch: '/tmp', exclusive: import.meta.dirname === lambdaTaskFolder }),
      environment: process.env,
      patience,
      endEnvironment: () => process.exit(1),
    };
  },
  work: (input, ports: RunJobPorts, context) => {
    context.log.info('job starts', { credentialsHiddenFromJob: isShieldedFromJobs() });
    return runJob(input, ports, context);
  },
});
