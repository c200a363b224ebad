import { resolve } from 'node:path';
import { runnerSentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import type { Interrupts } from './interrupts.process.ts';
import { type JobResult, jobTimeoutSeconds, projectPath, type RunnerJob } from './job.ts';
import type { JobProtocol } from './job-protocol.client.ts';
import { runStages } from './job-stages.process.ts';
import { JobStop } from './job-stop.process.ts';
import { JobTrace } from './job-trace.process.ts';
import { collectVariables, type JobFolders, maskedValues } from './job-variables.ts';
import { finalUpdateDelaySeconds } from './retry-delay.ts';
import type { RunnerLog } from './runner-log.process.ts';
import { type RunnerSettings, shortenToken } from './runner-settings.ts';
import type { RunnerTime } from './runner-time.process.ts';
import { TraceWriter } from './trace-writer.process.ts';

export interface JobRunContext {
  readonly settings: RunnerSettings;
  readonly systemId: string;
  readonly platform: string;
  readonly protocol: JobProtocol;
  readonly interrupts: Interrupts;
  readonly log: RunnerLog;
  /** As `log`, with the runner's name on every line. */
  readonly jobLog: RunnerLog;
  readonly time: RunnerTime;
}

const defaultUpdateIntervalMs = 3000;

/**
 * Runs one job and reports it.
 * @returns false when the job was cancelled before it began, which does not count against `--max-builds`.
 */
export async function runJob(job: RunnerJob, context: JobRunContext): Promise<boolean> {
  const { protocol, settings, time } = context;
  const first = await protocol.reportRunning(job);
  if (first.kind === 'gone') return false;
  if (first.kind === 'canceling') {
    await protocol.reportCanceledBeforeStart(job);
    return false;
  }

  const started = time.now();
  const log = context.jobLog.with(jobFields(job));
  const stop = new JobStop(jobTimeoutSeconds(job), time);
  const trace = new JobTrace({
    protocol,
    job,
    time,
    limitBytes: settings.outputLimitKilobytes * 1024,
    intervalMs: 'updateIntervalMs' in first ? first.updateIntervalMs : defaultUpdateIntervalMs,
    listener: { onGone: () => stop.stop({ kind: 'gone' }), onCanceling: () => stop.stop({ kind: 'canceling' }) },
  });
  const sending = trace.sendPeriodically();
  const folders = jobFolders(job, settings);
  const variables = collectVariables(job, settings, folders, context.platform);
  const writer = new TraceWriter(trace, maskedValues(variables));

  const result = await endSafely(
    () => runStages({ ...context, job, folders, variables, stop, writer, log }),
    (message) => writer.result(false, message),
  );
  stop.release();
  trace.stop();
  logResult(result, (time.now() - started) / 1000, log);
  await sending;
  await trace.sendRest();
  await reportResult(job, result, trace, context);
  if (result.state === 'failed') context.log.error('Failed to process build', { error: result.error ?? '' });
  return true;
}

/** A fault of this host, such as a builds folder that cannot be written, fails the job instead of the runner. */
async function endSafely(run: () => Promise<JobResult>, say: (message: string) => void): Promise<JobResult> {
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`Job failed (system failure): ${reason}`);
    return { state: 'failed', failureReason: 'runner_system_failure', error: reason };
  }
}

/** Repeats the final update until GitLab has taken it, no longer knows the job, or the limit of failures is reached. */
async function reportResult(job: RunnerJob, result: JobResult, trace: JobTrace, context: JobRunContext): Promise<void> {
  const { protocol, time, settings } = context;
  for (let failures = 0; ; ) {
    const reply = await protocol.reportResult(job, result, trace.summary());
    if (reply.kind === 'accepted') await time.sleep(reply.updateIntervalMs);
    else if (reply.kind === 'resend') {
      trace.sendAgainFrom(reply.fromByte);
      await trace.sendRest();
    } else if (reply.kind === 'failed') {
      await time.sleep(defaultUpdateIntervalMs);
      failures += 1;
      if (failures >= settings.finalUpdateTries) return;
      await time.sleep(finalUpdateDelaySeconds(failures - 1) * 1000);
    } else return;
  }
}

function jobFolders(job: RunnerJob, settings: RunnerSettings): JobFolders {
  const builds = resolve(settings.buildsDir);
  const project = `${builds}/${shortenToken(settings.token)}/0/${projectPath(job)}`;
  return { builds, project, temporary: `${project}.tmp` };
}

function jobFields({ id, job_info }: RunnerJob) {
  return {
    gitlab_user_id: 0,
    job: id,
    namespace_id: job_info.namespace_id ?? 0,
    organization_id: 0,
    pipeline_id: 0,
    project: job_info.project_id,
    project_full_path: job_info.project_full_path ?? '',
    root_namespace_id: 0,
  };
}

function logResult(result: JobResult, durationSeconds: number, log: RunnerLog): void {
  const fields = { duration_s: durationSeconds, 'job-status': result.state };
  if (result.state === 'success') log.info(runnerSentences.jobSucceeded.says, fields);
  else {
    const system = result.failureReason === 'runner_system_failure' ? ' (system failure)' : '';
    log.warn(`${runnerSentences.jobFailed.says}${system}: ${result.error}`, {
      ...fields,
      error: result.error ?? '',
      exit_code: result.exitCode ?? 0,
      failure_reason: result.failureReason ?? '',
    });
  }
}
