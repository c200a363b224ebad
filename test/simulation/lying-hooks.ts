import { jobOfNote } from '../../autoscaler/runner-store/runner-mark.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { GitLabModel } from './gitlab-model.ts';
import type { Random } from './random.ts';
import type { Lie } from './schedule.ts';
import type { SimulatedJob } from './simulated-job.ts';

/** No runner has this number. */
const unknownRunner = 999_999;
const farMilliseconds = 40 * 24 * 60 * 60_000;

type Now = { readonly random: Random; readonly now: number };

/** The body of a hook whose words are those of a lie, about the job as it is then. */
export function lyingHookBody(lie: Lie, gitlab: GitLabModel, { random, now }: Now) {
  const job = [...gitlab.jobs.values()].findLast(({ plan }) => plan.index === lie.job);
  const projectId = lie.projectId ?? job?.plan.projectId ?? 0;
  const jobId = job?.id ?? Math.max(0, ...gitlab.jobs.keys()) + 1;
  const at = new Date(now + { now: 0, 'long ago': -farMilliseconds, 'far ahead': farMilliseconds }[lie.since]);
  const runnerId = runnerOf(lie.runner, { job, projectId, jobId }, gitlab, random);
  return {
    object_kind: 'build',
    ref: lie.ref,
    build_id: jobId,
    build_name: lie.jobName,
    build_stage: 'lies',
    build_status: lie.status,
    build_started_at: at.toISOString(),
    build_finished_at: at.toISOString(),
    build_failure_reason: 'runner_interrupted',
    pipeline_id: 1,
    commit: { id: 1, status: 'running' },
    project_id: projectId,
    project: { id: projectId, path_with_namespace: lie.path },
    runner: runnerId === null ? null : { id: runnerId },
  };
}

/** Whoever lies can guess: ids count up. */
function runnerOf(
  which: Lie['runner'],
  told: { readonly job: SimulatedJob | undefined; readonly projectId: number; readonly jobId: number },
  { runners }: GitLabModel,
  random: Random,
): number | null {
  const its = [...runners.values()].find(({ note }) => jobOfNote('ci', note) === jobKeyOf(told))?.id ?? null;
  switch (which) {
    case 'none':
      return null;
    case 'the one it has':
      return told.job?.runnerId ?? null;
    case 'the one made for it':
      return its;
    case 'another':
      return random.pick([null, ...[...runners.keys()].filter((id) => id !== its)]);
    case 'unknown':
      return unknownRunner;
  }
}
