import { setTimeout as sleep } from 'node:timers/promises';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { JobView } from '../local-gitlab/job-view.ts';
import { jobRowHead, jobRows } from './job-rows.ts';
import { isNothing, type Leftovers } from './leftovers.client.ts';
import { LiveTable } from './live-table.process.ts';
import type { LocalRun } from './local-run.process.ts';
import { Placements } from './placements.ts';

/** The job of the example that is canceled while it waits for its instance. */
const jobToCancel = 'not any more';
const expectedStatus: Readonly<Record<string, string>> = { audit: 'failed', [jobToCancel]: 'canceled' };
const overStatuses = ['success', 'failed', 'canceled', 'skipped'];
/** Not a measure of speed: after so long something is broken. */
const patienceSeconds = 300;

export type DemonstrationOutcome = {
  readonly jobs: readonly JobView[];
  /** What went otherwise than it should have, in words. */
  readonly faults: readonly string[];
  /** Jobs that did not run where their mapping sends them, in words. */
  readonly misplaced: readonly string[];
  readonly leftovers: Leftovers;
};

/** Sends a pipeline through, shows each job from pending to its end, and looks what is left. */
export async function runDemonstration(run: LocalRun, yamlText: string): Promise<DemonstrationOutcome> {
  const [project] = run.gitlab.projects();
  if (!project) throw new Error('the local GitLab has no project');
  run.gitlab.createPipeline(project.id, yamlText);
  const table = new LiveTable(jobRowHead);
  const placements = new Placements(run.deployment);
  const deadline = Date.now() + patienceSeconds * 1_000;
  let canceled = false;
  for (;;) {
    const jobs = run.gitlab.jobs();
    const items = await run.readItems();
    placements.look(jobs, items);
    table.show(jobRows(jobs, items, placements));
    const doomed = jobs.find(({ name, status }) => name === jobToCancel && status === 'pending');
    const itsRunner =
      doomed && items.find(({ pk }) => pk === jobKeyOf({ projectId: doomed.projectId, jobId: doomed.id }));
    if (!canceled && doomed && itsRunner?.state === 'LAUNCHED') {
      run.gitlab.cancelJob(doomed.id);
      canceled = true;
    }
    const allOver = jobs.every(({ status }) => overStatuses.includes(status));
    const leftovers = allOver ? await run.leftovers() : undefined;
    if ((leftovers && isNothing(leftovers)) || Date.now() > deadline) {
      table.finish(jobRows(jobs, items, placements));
      const [faults, misplaced] = [faultsOf(jobs), placements.faults(jobs)];
      return { jobs, faults, misplaced, leftovers: leftovers ?? (await run.leftovers()) };
    }
    await sleep(250);
  }
}

function faultsOf(jobs: readonly JobView[]): string[] {
  return jobs.flatMap(({ name, status }) => {
    const expected = expectedStatus[name] ?? 'success';
    return status === expected ? [] : [`job "${name}" is ${status} instead of ${expected}`];
  });
}
