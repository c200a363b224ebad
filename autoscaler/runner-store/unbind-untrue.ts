import type { NamedJob } from '../../infrastructure/gitlab/gitlab-listings.ts';
import { parseJobKey } from '../../infrastructure/kit/job-key.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import type { RunnerItem } from './runner-item.ts';
import { type RunnersStore, type RunnerUpdate, whenItWentOn } from './runners-store.ts';

type UnbindPorts = {
  readonly store: RunnersStore;
  readonly jobs: { readJob(projectId: number, jobId: number): Promise<NamedJob | null> };
};

/**
 * That a runner has its own job may have been believed of a hook. Where GitLab's word of another job or runner does not
 * fit to it, GitLab is asked, and what was not true is undone.
 *
 * @returns the item as it is then.
 */
export async function unbindUntrue(item: RunnerItem, { store, jobs }: UnbindPorts, log: Log): Promise<RunnerItem> {
  const own = parseJobKey(item.pk);
  if (!own || item.state !== 'RUNNING' || item.takenJob !== item.pk || item.runnerId === undefined) return item;
  const seen = await jobs.readJob(own.projectId, own.jobId);
  const waits = seen?.status === 'pending';
  const isElsewhere = seen !== null && seen.runnerId !== null && seen.runnerId !== item.runnerId;
  if (!waits && !isElsewhere) return item;
  await store.write(unbinding(item, waits)).catch(whenItWentOn);
  log.warn('a hook was not true: the runner does not have its own job', { runnerOf: item.pk, runnerId: item.runnerId });
  return (await store.read(item.pk)) ?? item;
}

/**
 * Undoes what a hook said of a job, as GitLab says that it waits, or runs elsewhere: the one case in which a state goes
 * back. From then on hooks are not believed of this attempt.
 */
export function unbinding(item: RunnerItem, waits: boolean): RunnerUpdate {
  const { pk: job, state, attempt, jobState, takenJob } = item;
  const isBound = takenJob === job;
  return {
    kind: 'update',
    job,
    from: [state],
    attempt,
    only: { jobState, takenJob },
    set: {
      unbound: true,
      ...(waits ? { jobState: 'PENDING' } : {}),
      ...(isBound && state === 'RUNNING' ? { state: 'LAUNCHED' } : {}),
    },
    remove: isBound ? ['takenJob', 'pickedUpAt'] : [],
  };
}
