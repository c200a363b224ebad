import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readBootSource } from '../../../../autoscaler/runner-types/ec2/boot-source.construct.ts';
import { runnerSentences } from '../../../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import { readRunnerLogLine } from '../../../../lambda-shell-runner/runner-log.ts';
import { continueStory, type RunnerStory, untoldStory } from '../../../../lambda-shell-runner/runner-story.ts';
import {
  linesOfRecordedRunnerLog,
  type RecordedRunnerLog,
  recordedRunnerLogFile,
  recordedRunnerLogNames,
  recordedRunnerLogs,
} from '../../../infrastructure/gitlab-runner/recorded-runner-logs.ts';

const source = readBootSource();
const readers = source.slice(source.indexOf('heed() {'), source.indexOf('relay_rest() {'));

type Reading = {
  readonly job: string;
  /** Canceled before it began. */
  readonly withdrawn: boolean;
  readonly refused: boolean;
  /** It said that it could not ask. */
  readonly trouble: boolean;
};

/** What the boot script makes of a log, line by line. */
function readByHost(log: RecordedRunnerLog): Reading {
  const script = `set -euo pipefail
folder=/nowhere mode='' taken='' outcome='' gone='' refused='' refused_at=0 kill_at=0 stop_at=0 SECONDS=1
wait_timeout_seconds=20 long_poll_seconds=55 maximum_job_seconds=60 margin_seconds=900 stop_grace_seconds=40
say() { gone=1; }
stop_runner() { refused=1; }
last_job() { :; }
rm() { :; }
${readers}
while IFS= read -r line; do heed "$line" >/dev/null; done <"$1"
printf '%s|' "\${taken:+$outcome}" "$gone" "$refused" "$refused_at"`;
  const printed = execFileSync('bash', ['-c', script, 'bash', recordedRunnerLogFile(log)], { encoding: 'utf8' });
  const [job = '', gone, refused, refusedAt] = printed.split('|');
  return { job, withdrawn: gone === '1', refused: refused === '1', trouble: refusedAt !== '0' };
}

/** What the Lambda runner makes of it, in the boot script's words. */
function readByFunction(log: RecordedRunnerLog): Reading {
  const { job, refused, trouble } = linesOfRecordedRunnerLog(log)
    .map((line) => readRunnerLogLine(line).sign)
    .reduce(continueStory, untoldStory);
  return { job: wordOf(job), withdrawn: job?.phase === 'withdrawn', refused, trouble: /^Checking/.test(trouble ?? '') };
}

function wordOf(job: RunnerStory['job']): string {
  if (job === null || job.phase === 'withdrawn') return '';
  return job.phase === 'failed' ? `failed failure=${job.failureReason}` : job.phase;
}

const nothing: Reading = { job: '', withdrawn: false, refused: false, trouble: false };
const succeeded = { ...nothing, job: 'succeeded' };
const withdrawn = { ...nothing, withdrawn: true };

const readings: Readonly<Record<RecordedRunnerLog, Reading>> = {
  success: succeeded,
  'failing-script': { ...nothing, job: 'failed failure=script_failure' },
  interrupted: { ...nothing, job: 'failed failure=runner_interrupted' },
  'canceled-in-job': { ...nothing, job: 'failed failure=job_canceled' },
  'canceled-before-start': withdrawn,
  'canceled-before-start-200': withdrawn,
  'canceling-before-start': withdrawn,
  'gone-before-start': withdrawn,
  'forbidden-before-start': withdrawn,
  'first-update-failed': succeeded,
  'first-update-not-answered': succeeded,
  'first-update-accepted': succeeded,
  'final-update-accepted': succeeded,
  nothing,
  'token-refused': { ...nothing, refused: true, trouble: true },
  unauthorized: { ...nothing, trouble: true },
  'server-error': { ...nothing, trouble: true },
  unavailable: { ...nothing, trouble: true },
  'bad-url': { ...nothing, refused: true, trouble: true },
};

describe('a log of the real gitlab-runner', () => {
  it.each(recordedRunnerLogNames)('means the same to the boot script and to the Lambda runner: %s', (log) => {
    expect({ about: recordedRunnerLogs[log], host: readByHost(log), lambda: readByFunction(log) }).toEqual({
      about: recordedRunnerLogs[log],
      host: readings[log],
      lambda: readings[log],
    });
  });

  it('does not make a job one that never began because GitLab wants no more of it while it runs', () => {
    const { job } = [
      'Checking for jobs... received',
      'Submitting job to coordinator... failed',
      'Submitting job to coordinator... job failed',
    ]
      .map((msg) => readRunnerLogLine(JSON.stringify({ level: 'info', msg, job: 10 })).sign)
      .reduce(continueStory, untoldStory);
    expect(job?.phase).toBe('running');
  });
});

it('the boot script looks for sentences of the list, and for all but those that change nothing for it', () => {
  const sought = [...readers.matchAll(/'"msg":"([^']+)'/g)].map(([, text = '']) => text);
  const changeNothing = ['updateTaken', 'updateFailed', 'updateOpen'];
  const known = Object.entries(runnerSentences).flatMap(([name, { says }]) =>
    changeNothing.includes(name) ? [] : [says],
  );
  expect([...new Set(sought)].sort()).toEqual([...known, 'Submitting job to coordinator...'].sort());
});
