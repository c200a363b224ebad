import { runnerSentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import type { Interrupts } from './interrupts.process.ts';
import { type JobRunContext, runJob } from './run-job.process.ts';
import type { RunLimits } from './runner-settings.ts';

const checkIntervalMs = 3000;
const unhealthyIntervalMs = 300_000;

/**
 * `gitlab-runner run-single`: asks for jobs and runs them one after the other, until a limit is reached or a signal
 * ends it. The first request goes out at once; how a job ended does not matter here.
 */
export async function runSingle(context: JobRunContext, limits: RunLimits): Promise<void> {
  const { log, time, interrupts } = context;
  let builds = 0;
  let lastBuild = time.now();
  while (!interrupts.finished) {
    const built = await takeJob(context, interrupts);
    if (built) {
      builds += 1;
      lastBuild = time.now();
    }
    if (limits.maxBuilds > 0 && builds >= limits.maxBuilds) {
      log.info('This runner has processed its build limit, so now exiting');
      return;
    }
    const waitedSeconds = Math.floor((time.now() - lastBuild) / 1000);
    if (limits.waitTimeoutSeconds > 0 && waitedSeconds > limits.waitTimeoutSeconds) {
      log.info(`This runner has not received a job in ${limits.waitTimeoutSeconds} seconds, so now exiting`);
      return;
    }
  }
}

/** One turn: whether a job was run. Waits before it returns when there was none. */
async function takeJob(context: JobRunContext, interrupts: Interrupts): Promise<boolean> {
  const { protocol, log, time } = context;
  const offer = await protocol.requestJob();
  switch (offer.kind) {
    case 'job':
      return runJob(offer.job, context);
    case 'none':
      await time.sleep(checkIntervalMs, interrupts.abort);
      return false;
    case 'unhealthy':
      log.info(runnerSentences.notHealthy.says);
      await time.sleep(unhealthyIntervalMs, interrupts.abort);
      return false;
  }
}
