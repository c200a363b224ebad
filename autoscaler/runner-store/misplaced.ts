import type { JobKey } from '../../infrastructure/kit/job-key.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { Misplacement, Place, RunnerItem } from './runner-item.ts';
import { RunnerStateChangedError, type RunnersStore } from './runners-store.ts';

/** Where a job's own item says that it runs; null when it does not say (yet). */
export function placeOf(own: RunnerItem | null): Place | null {
  if (!own || own.profile === '') return null;
  const { type, profile, mapping } = own;
  return { type, profile, mapping };
}

/** Whether a job is on the wrong runner; null when it is on the right one. A row and its fallback are one place. */
export function misplacementOf(runner: RunnerItem, job: JobKey, place: Place): Misplacement | null {
  if (runner.pk === job || (runner.type === place.type && runner.profile === place.profile)) return null;
  if (place.type !== 'IGNORE' && runner.mapping === place.mapping) return null;
  return { job, ...place };
}

/** A place in words: `EC2 default`. */
export function placeText({ type, profile }: Place): string {
  return type === 'IGNORE' ? 'runners that are not ours' : `${type} ${profile}`;
}

/** Writes on the runner's item where its job should have run, and counts it, once however often it is told. */
export async function noteMisplaced(
  store: RunnersStore,
  { pk, attempt, type, profile }: RunnerItem,
  misplaced: Misplacement,
  log: Log,
): Promise<void> {
  try {
    await store.write({
      kind: 'update',
      job: pk,
      from: ['RUNNING', 'STOPPING', 'RELEASED'],
      attempt,
      only: { takenJob: misplaced.job, misplaced: undefined },
      set: { misplaced },
    });
  } catch (error) {
    if (error instanceof RunnerStateChangedError) return;
    throw error;
  }
  const where = { runnerOf: pk, ranOn: `${type} ${profile}`, shouldRunOn: placeText(misplaced), ...misplaced };
  log.count({ JobsMisplaced: 1 }, 'a job runs on a runner of another profile than its mapping names', where);
}
