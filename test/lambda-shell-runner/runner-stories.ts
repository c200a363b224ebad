import { readRunnerLogLine } from '../../lambda-shell-runner/runner-log.ts';
import { continueStory, type RunnerStory, untoldStory } from '../../lambda-shell-runner/runner-story.ts';

const told = (...lines: readonly [msg: string, fields?: object][]): RunnerStory =>
  lines
    .map(([msg, fields]) => readRunnerLogLine(JSON.stringify({ level: 'info', msg, job: 10, ...fields })).sign)
    .reduce(continueStory, untoldStory);

const started = ['Starting runner for https://gitlab.example.com with token abc ...'] as const;
const received = ['Checking for jobs... received'] as const;
const running = ['Submitting job to coordinator...ok', { 'job-status': 'running' }] as const;
const succeeded = ['Job succeeded'] as const;
const reported = ['Submitting job to coordinator...ok', { 'job-status': 'success' }] as const;
const failed = ['Job failed: exit status 3', { failure_reason: 'script_failure', exit_code: 3 }] as const;
const interrupted = [
  'Job failed: aborted: terminated',
  { failure_reason: 'runner_interrupted', exit_code: 0 },
] as const;
const reportedFailed = ['Submitting job to coordinator... job failed', { 'job-status': 'failed', code: 200 }] as const;

/** Stories as gitlab-runner's log told them, in its own words. */
export const stories = {
  nothing: untoldStory,
  idle: told([...started]),
  refused: told([...started], ['Checking for jobs... forbidden', { level: 'error' }], ['Runner is not healthy!']),
  unreachable: told([...started], ['Checking for jobs... failed', { status: 'connection refused' }]),
  received: told([...started], [...received]),
  running: told([...started], [...received], [...running]),
  succeeded: told([...started], [...received], [...running], [...succeeded]),
  succeededAndReported: told([...started], [...received], [...running], [...succeeded], [...reported]),
  failedAndReported: told([...started], [...received], [...running], [...failed], [...reportedFailed]),
  interruptedAndReported: told([...started], [...received], [...running], [...interrupted], [...reportedFailed]),
  /** Canceled by its user while it ran: the answer to an update in between changes nothing yet. */
  canceledWhileRunning: told(
    [...started],
    [...received],
    [...running],
    ['Submitting job to coordinator... job failed', { 'job-status': 'canceled' }],
  ),
  canceledBeforeStart: told(
    [...started],
    [...received],
    ['Submitting job to coordinator... job failed', { 'job-status': 'canceled', code: 403 }],
  ),
  cancelingBeforeStart: told(
    [...started],
    [...received],
    ['Submitting job to coordinator...ok', { 'job-status': 'canceling' }],
    ['Submitting job to coordinator... job failed', { 'job-status': 'failed', code: 200 }],
  ),
  goneBeforeStart: told(
    [...started],
    [...received],
    ['Submitting job to coordinator... not found', { 'job-status': '', code: 404 }],
  ),
  secondJobAfterCanceled: told(
    [...started],
    [...received],
    ['Submitting job to coordinator... job failed', { 'job-status': 'canceled', code: 403 }],
    ['Checking for jobs... received', { job: 11 }],
  ),
} as const;
