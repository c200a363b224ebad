import type { GitLab } from '../../infrastructure/gitlab/gitlab.client.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { judgeJob } from '../end-runner/judge-job.ts';
import { type InterruptedRunner, mendJobInput } from '../end-runner/mend-job-input.ts';
import { createGitLabFromEnvironment } from '../gitlab/live-gitlab.client.ts';
import { createTables } from '../runner-store/live-tables.client.ts';
import type { RetryMarks, RetryReason } from '../runner-store/retry-marks.ts';
import type { RunnersStore } from '../runner-store/runners-store.ts';
import { mendJobEnvironment } from './mend-job-environment.ts';

export type MendJobPorts = {
  readonly gitlab: Pick<GitLab, 'readJobEnd' | 'cancelJob' | 'retryJob'>;
  readonly store: RunnersStore;
  readonly marks: RetryMarks;
  /** Profiles whose interrupted jobs are retried. */
  readonly retriedProfiles: readonly string[];
  /** Profiles whose jobs are retried when they failed on a runner of another one. */
  readonly misplacedRetriedProfiles: readonly string[];
};

/**
 * Mends the job of an interrupted runner: cancels it when its host is gone and GitLab still waits for it, and retries
 * it, once and by its profile's policy, when a spot interruption ended it, or when it failed on a runner of another
 * profile. Called when the interruption is known and again when the job's end is, since either may come first; GitLab
 * itself retries a job only once, so that a repetition does no harm.
 */
export async function mendJob(input: InterruptedRunner, ports: MendJobPorts, { log }: LambdaContext): Promise<void> {
  const { gitlab, marks } = ports;
  const { hostGone, misplacedFrom } = input;
  const item = await findServed(input, ports.store);
  const taken = item?.takenJob && parseJobKey(item.takenJob);
  const mayBeMisplaced = misplacedFrom !== undefined && ports.misplacedRetriedProfiles.includes(misplacedFrom);
  if (!item || !taken || (!hostGone && item.interruptedAt === undefined && !mayBeMisplaced)) return;
  const { projectId, jobId } = taken;
  const job = await gitlab.readJobEnd(projectId, jobId);
  if (!job) return;
  // A hook may have said that this runner had it, and none that was true came since.
  if (job.runnerId !== null && item.runnerId !== undefined && job.runnerId !== item.runnerId) {
    log.info('nothing to mend: another runner has the job', { takenJob: item.takenJob, ranOn: job.runnerId });
    return;
  }
  const { interruptedAt } = item;
  const canceledByUs = await marks.isMarked({ ...job, projectId, jobId });
  const { cancel, interrupted } = judgeJob(job, { hostGone, interruptedAt, canceledByUs });
  const about = {
    takenJob: item.takenJob,
    status: job.status,
    failureReason: job.failureReason,
    interruptedAt,
    misplacedFrom,
  };
  const misplaced = mayBeMisplaced && job.status === 'failed';
  const retriesInterrupted = interrupted && ports.retriedProfiles.includes(item.profile);
  const retries = retriesInterrupted || misplaced;
  // Before anything is done: whoever comes after a crash goes on from here.
  const because = retriesInterrupted ? 'interrupted' : 'misplaced';
  const mayRetry = retries && (await marks.mark({ ...job, projectId, jobId }, because));
  if (cancel) {
    const status = await gitlab.cancelJob(projectId, jobId);
    log.warn('the job is canceled: its host is gone, and GitLab would wait for it', { ...about, now: status });
  }
  if (mayRetry) {
    const retriedAs = await gitlab.retryJob(projectId, jobId);
    if (retriedAs === null) log.info(`the ${because} job was retried before`, about);
    else log.info(retrySentences[because], { ...about, retriedAs });
  } else if (retries) {
    log.warn(`the ${because} job is not retried: one retry is all`, about);
  } else if (!cancel) {
    log.info('nothing to mend', { ...about, interrupted });
  }
}

const retrySentences = {
  interrupted: 'the interrupted job is retried on on-demand capacity',
  misplaced: 'the misplaced job, which failed, is retried where its mapping sends it',
} as const satisfies Record<RetryReason, string>;

/** The item of the runner, as long as it is the one of that attempt and knows which job its runner took. */
async function findServed({ job, attempt, served }: InterruptedRunner, store: RunnersStore) {
  const item = await store.read(job);
  return item?.attempt === attempt && item.takenJob !== undefined ? item : served;
}

export const handler = lambdaHandler({
  input: mendJobInput,
  logFields: ({ job }) => ({ runnerOf: job }),
  ports: () => {
    const { RETRIED_PROFILES: retriedProfiles, MISPLACED_RETRIED_PROFILES: misplacedRetriedProfiles } =
      readEnvironment(mendJobEnvironment);
    return { ...createTables(), gitlab: createGitLabFromEnvironment(), retriedProfiles, misplacedRetriedProfiles };
  },
  work: mendJob,
});
