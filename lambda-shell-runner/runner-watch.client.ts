import type { Log } from '../infrastructure/kit/lambda/log.ts';
import { removeRunnerConfig } from './job-folder.client.ts';
import type { RunnerExit } from './job-outcome.ts';
import type { JobFolder } from './runner-config.ts';
import { type Deadlines, decideStep, type Patience, type RunnerDoings, untouchedRunner } from './runner-deadlines.ts';
import { readRunnerLogLine } from './runner-log.ts';
import { type RunnerCommand, startRunner } from './runner-process.client.ts';
import { continueStory, type RunnerStory, untoldStory } from './runner-story.ts';

export type RunnerWatch = {
  readonly command: Omit<RunnerCommand, 'onLine'>;
  readonly folder: JobFolder;
  readonly token: string;
  readonly deadlines: Deadlines;
  readonly patience: Patience;
  /** Removes the runner in GitLab, as well as that can be done. Never rejects. */
  readonly removeRunner: () => Promise<void>;
  readonly onStarted: (pid: number) => void;
  readonly log: Log;
};

export type WatchedRunner = { readonly story: RunnerStory; readonly doings: RunnerDoings; readonly exit: RunnerExit };

/**
 * Starts gitlab-runner and stays with it until it is gone: reads its log, logs each line again with the job's id, and
 * does what `decideStep` decides.
 *
 * @throws {RunnerNotStartedError}
 */
export async function watchRunner(watch: RunnerWatch): Promise<WatchedRunner> {
  const { log, deadlines, patience } = watch;
  const bell = createBell();
  let story = untoldStory;
  let doings = untouchedRunner;
  let exit: RunnerExit = { code: null, signal: null };

  const onLine = (line: string) => {
    const { level, message, fields, sign } = readRunnerLogLine(line.replaceAll(watch.token, '[token]'));
    const before = story;
    story = continueStory(story, sign);
    if (story.configRead && !before.configRead) removeRunnerConfig(watch.folder);
    if (sign.kind === 'job-ended') doings = { ...doings, jobEndedAt: Date.now() };
    log[level](`gitlab-runner: ${message}`, { ...(story.job ? { takenJobId: story.job.id } : {}), runner: fields });
    bell.ring();
  };

  const runner = await startRunner({ ...watch.command, onLine });
  watch.onStarted(runner.pid);
  void runner.exited.then((end) => {
    exit = end;
    doings = { ...doings, exited: true };
    bell.ring();
  });

  for (;;) {
    const step = decideStep(story, doings, deadlines, patience, Date.now());
    switch (step.kind) {
      case 'done':
        return { story, doings, exit };
      case 'wait':
        await bell.heardOr(step.until);
        break;
      case 'quit':
        await runner.hearsSignals();
        runner.signal('SIGQUIT');
        doings = { ...doings, quitAt: Date.now() };
        break;
      case 'remove-runner':
        log.info('removing the runner in GitLab', { because: step.because });
        await watch.removeRunner();
        doings = { ...doings, removed: { because: step.because } };
        break;
      case 'interrupt':
        log.warn('telling gitlab-runner to end (SIGTERM)', { because: step.because });
        runner.signal('SIGTERM');
        doings = { ...doings, interrupted: { at: Date.now(), because: step.because } };
        break;
      case 'kill':
        log.warn('killing gitlab-runner (SIGKILL)');
        runner.signal('SIGKILL');
        doings = { ...doings, killedAt: Date.now() };
        break;
    }
  }
}

/** Lets one loop sleep until something happens or a time has come. */
function createBell() {
  let wake = () => {};
  return {
    ring: () => wake(),
    heardOr: (until: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, until - Date.now()));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
