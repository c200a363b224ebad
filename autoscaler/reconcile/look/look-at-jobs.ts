import { type JobKey, jobKeyOf, parseJobKey } from '../../../infrastructure/kit/job-key.ts';
import type { RunnerItem } from '../../runner-store/runner-item.ts';
import type { ReconcilePorts } from '../reconcile-ports.ts';
import type { AskGitLab } from './ask-gitlab.ts';
import { inTurns } from './in-turns.ts';
import type { SeenJob } from './seen.ts';

/** Calls to GitLab at the same time. */
const callsAtOnce = 5;
/** Calls about jobs in one pass: pages of lists, and what is left for single jobs. */
const callsPerPass = 75;
const singleCallsPerPass = 60;
const fewestSingleCalls = 10;
const jobsPerPage = 100;
/** Of so many jobs of one project a list tells with fewer calls; other jobs stand between them. */
const fewestForList = 5;
const jobsBetween = 1.25;

/**
 * Asks GitLab about the jobs of live items of which nothing is known yet, and adds what it says: by lists of a project
 * where it has many, and else one by one. What is too much for a pass is asked in turns.
 */
export async function lookAtJobs(
  live: readonly RunnerItem[],
  jobs: Map<JobKey, SeenJob>,
  { gitlab }: Pick<ReconcilePorts, 'gitlab'>,
  ask: AskGitLab,
  now: number,
): Promise<void> {
  const turn = Math.floor(now / 60_000);
  const isUnknown = (job: JobKey) => !jobs.has(job);
  const wanted = [...new Set(live.flatMap(jobsOf))].filter(isUnknown).sort();
  const lists = listsOf(wanted);
  const listed = inParts(lists, ({ pages }) => pages, callsPerPass, turn);
  await inTurns(listed, callsAtOnce, async ({ projectId, pages }) => {
    const begun = await ask(`jobs of project ${projectId}`, () => gitlab.begunJobs(projectId, pages));
    for (const { id, status, runnerId } of begun ?? []) {
      const job = jobKeyOf({ projectId, jobId: id });
      if (isUnknown(job)) jobs.set(job, { status, runnerId, event: null });
    }
  });
  const later = new Set(lists.filter((list) => !listed.includes(list)).map(({ projectId }) => projectId));
  const pages = listed.reduce((sum, list) => sum + list.pages, 0);
  const calls = Math.min(singleCallsPerPass, Math.max(fewestSingleCalls, callsPerPass - pages));
  const single = wanted.filter((job) => isUnknown(job) && !later.has(projectOf(job)));
  await inTurns(
    inParts(single, () => 1, calls, turn),
    callsAtOnce,
    async (key) => {
      const { projectId, jobId } = parseJobKey(key) ?? { projectId: 0, jobId: 0 };
      const answer = await ask(key, async () => ({ job: await gitlab.readJob(projectId, jobId) }));
      if (!answer) return;
      const { status = 'gone', runnerId = null } = answer.job ?? {};
      jobs.set(key, { status, runnerId, event: null });
    },
  );
}

/** The jobs of an item of which it matters whether they wait, run or are over. */
function jobsOf(item: RunnerItem): readonly JobKey[] {
  return [
    ...(item.jobState === 'FINISHED' && item.takenJob !== item.pk ? [] : [item.pk]),
    ...(item.state === 'RUNNING' && item.takenJob ? [item.takenJob] : []),
  ];
}

type JobList = { readonly projectId: number; readonly pages: number };

function listsOf(wanted: readonly JobKey[]): readonly JobList[] {
  const counts = new Map<number, number>();
  for (const job of wanted) counts.set(projectOf(job), (counts.get(projectOf(job)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= fewestForList)
    .sort(([a], [b]) => a - b)
    .map(([projectId, count]) => ({
      projectId,
      pages: Math.min(callsPerPass, Math.ceil((count * jobsBetween) / jobsPerPage)),
    }));
}

function projectOf(job: JobKey): number {
  return parseJobKey(job)?.projectId ?? 0;
}

/** Of things that cost something, those whose turn it is: each pass takes a part that costs at most so much. */
function inParts<Item>(items: readonly Item[], costOf: (item: Item) => number, most: number, turn: number): Item[] {
  const parts: Item[][] = [[]];
  let cost = 0;
  for (const item of items) {
    if (cost + costOf(item) > most) {
      parts.push([]);
      cost = 0;
    }
    parts.at(-1)?.push(item);
    cost += costOf(item);
  }
  return parts[turn % parts.length] ?? [];
}
