/**
 * What gitlab-runner (19.3) says in its log that somebody acts on, and what it means. Whoever reads that log (the
 * Lambda runner, the boot script of EC2 hosts) and whoever writes such a log in its place (stand-ins of it) goes by
 * this list.
 */
export const runnerSentences = {
  /** It has read its configuration, and the id beside it. */
  started: { says: 'Starting runner for ', seenIn: 'success' },
  jobReceived: { says: 'Checking for jobs... received', seenIn: 'success' },
  askingFailed: { says: 'Checking for jobs... failed', seenIn: 'server-error' },
  askingRefused: { says: 'Checking for jobs... forbidden', seenIn: 'token-refused' },
  askingUnavailable: { says: 'Checking for jobs... GitLab instance currently unavailable', seenIn: 'unavailable' },
  askingImpossible: { says: 'Checking for jobs... client error', seenIn: 'bad-url' },
  /** It now sleeps for five minutes without a word. */
  notHealthy: { says: 'Runner is not healthy!', seenIn: 'token-refused' },

  // GitLab's answers to updates of a job's state; the first one says whether the job may begin.
  /** With `job-status` "canceling" the job does not begin. */
  updateTaken: { says: 'Submitting job to coordinator...ok', seenIn: 'success' },
  /** GitLab looks at the job as over: at hand-over because it was canceled, at the end because of that end. */
  updateOfEndedJob: { says: 'Submitting job to coordinator... job failed', seenIn: 'canceled-before-start' },
  updateOfUnknownJob: { says: 'Submitting job to coordinator... not found', seenIn: 'gone-before-start' },
  /** After these two the runner goes on: with the job when it was to begin, with another try when it has ended. */
  updateFailed: { says: 'Submitting job to coordinator... failed', seenIn: 'first-update-failed' },
  updateOpen: {
    says: 'Submitting job to coordinator...accepted, but not yet completed',
    seenIn: 'final-update-accepted',
  },

  jobSucceeded: { says: 'Job succeeded', seenIn: 'success' },
  /** Goes on with why; `failure_reason` and `exit_code` are fields. */
  jobFailed: { says: 'Job failed', seenIn: 'failing-script' },
} as const satisfies Readonly<Record<string, { readonly says: string; readonly seenIn: string }>>;

export type RunnerSentence = keyof typeof runnerSentences;

const entries = Object.entries(runnerSentences) as readonly [RunnerSentence, { readonly says: string }][];

/** Which of the sentences a line of the log begins with. */
export function sentenceOf(message: string): RunnerSentence | undefined {
  return entries.find(([, { says }]) => message.startsWith(says))?.[0];
}
