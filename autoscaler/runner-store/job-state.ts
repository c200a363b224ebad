import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import { type JobState, jobStates, type RunnerItem } from './runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from './runners-store.ts';

/**
 * Notes what happened to a job, wherever its own runner is; a job never goes back. When its runner has ended as well,
 * the item leaves the live ones and gets its time to live.
 *
 * @param expiresAt seconds since 1970.
 * @returns the item as it is then; null when there is none.
 */
export async function noteJobState(
  store: RunnersStore,
  job: JobKey,
  jobState: JobState,
  expiresAt: number,
): Promise<RunnerItem | null> {
  const item = await store.read(job);
  if (!item || jobStates.indexOf(item.jobState) >= jobStates.indexOf(jobState)) return item;
  const ended = jobState === 'FINISHED' && (item.state === 'RELEASED' || item.state === 'FAILED');
  try {
    await store.write({
      kind: 'update',
      job,
      from: [item.state],
      only: { jobState: item.jobState },
      set: { jobState, ...(ended ? { expiresAt } : {}) },
      remove: ended ? ['live'] : [],
    });
    return { ...item, jobState };
  } catch (error) {
    // The runner took a step in between: look again, which ends because states only move forward.
    if (error instanceof RunnerStateChangedError) return noteJobState(store, job, jobState, expiresAt);
    throw error;
  }
}

/**
 * Writes down which job a runner really took.
 *
 * @param pickedUpAt when it did, where that is known.
 * @throws {RunnerStateChangedError} when the runner took a job before, or ended.
 */
export async function noteTakenJob(
  store: RunnersStore,
  runner: RunnerItem,
  takenJob: JobKey,
  pickedUpAt?: string,
): Promise<void> {
  await store.write({
    kind: 'update',
    job: runner.pk,
    from: ['REGISTERED', 'LAUNCHED'],
    attempt: runner.attempt,
    set: { state: 'RUNNING', takenJob, ...(pickedUpAt ? { pickedUpAt } : {}) },
  });
}
