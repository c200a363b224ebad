import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { RunnerItem } from '../runner-store/runner-item.ts';
import { isNoteOf } from '../runner-store/runner-mark.ts';

export type RemoveGitLabRunnersPorts = {
  readonly deployment: string;
  readonly gitlab: {
    findRunners(descriptionStart: string): Promise<readonly number[]>;
    maintenanceNoteOf(runnerId: number): Promise<string | null>;
    removeRunner(runnerId: number): Promise<boolean>;
  };
  readonly store: { readLive(): Promise<readonly RunnerItem[]> };
  readonly now: () => number;
};

/**
 * Removes the deployment's runners from GitLab: those that our table knows, and those that bear our mark. GitLab may be
 * down, or its token gone: then it is said what is left, and the destruction goes on. One runner that cannot be removed
 * keeps no other.
 *
 * @param deadline milliseconds since 1970
 * @returns how many runners are known to be left; null when GitLab would not say.
 */
export async function removeGitLabRunners(
  { deployment, gitlab, store, now }: RemoveGitLabRunnersPorts,
  deadline: number,
  log: Log,
): Promise<number | null> {
  const known = await store.readLive().catch((error: unknown) => {
    log.warn('the runners’ table cannot be read', { error });
    return [];
  });
  const ids = new Set(known.flatMap(({ runnerId }) => (runnerId === undefined ? [] : [runnerId])));
  const left: number[] = [];
  let listed = true;
  try {
    for (const runnerId of await gitlab.findRunners(`${deployment} `)) {
      if (now() > deadline) throw new Error('the time is over');
      if (!ids.has(runnerId) && isNoteOf(deployment, await gitlab.maintenanceNoteOf(runnerId))) ids.add(runnerId);
    }
  } catch (error) {
    listed = false;
    log.error('GitLab does not tell which runners are ours', { error });
  }
  for (const runnerId of ids) {
    try {
      if (now() > deadline) throw new Error('the time is over');
      await gitlab.removeRunner(runnerId);
    } catch (error) {
      left.push(runnerId);
      log.error('a runner is left in GitLab', { runnerId, error });
    }
  }
  if (left.length > 0 || !listed) {
    log.error('REMOVE BY HAND in GitLab: runners of this deployment are left, or may be', {
      runnerIds: left,
      maintenanceNotes: `gitlab-runners-on-demand deployment=${deployment} ...`,
    });
  }
  log.info('GitLab runners removed', { removed: ids.size - left.length, left });
  return listed ? left.length : null;
}
