import { placeText } from '../../autoscaler/runner-store/misplaced.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { JobView } from '../local-gitlab/job-view.ts';

type Wrong = { readonly ranOn: string; readonly shouldRunOn: string };

/**
 * Which jobs ran where their mapping does not send them, look by look: a runner's item forgets with its next attempt.
 */
export class Placements {
  readonly #deployment: string;
  readonly #wrong = new Map<JobKey, Wrong>();

  constructor(deployment: string) {
    this.#deployment = deployment;
  }

  look(jobs: readonly JobView[], items: readonly RunnerItem[]): void {
    for (const { type, profile, misplaced } of items) {
      if (!misplaced) continue;
      this.#wrong.set(misplaced.job, { ranOn: `${type} ${profile}`, shouldRunOn: placeText(misplaced) });
    }
    for (const job of jobs) {
      const own = items.find(({ pk }) => pk === jobKeyOf({ projectId: job.projectId, jobId: job.id }));
      // Our runners are described by the deployment's name; another one's, which took a job of ours, is nobody's item.
      const { runnerDescription: runner } = job;
      if (!own?.profile || runner === null || runner.startsWith(`${this.#deployment} `)) continue;
      this.#wrong.set(own.pk, { ranOn: runner, shouldRunOn: placeText(own) });
    }
  }

  /** Whether a job runs, or ran, where its mapping sends it; empty while it has no runner. */
  ofJob(job: JobView): string {
    const wrong = this.#wrongOf(job);
    if (wrong) return `no: ${wrong.shouldRunOn}`;
    return job.startedAt === null ? '' : 'yes';
  }

  /** Each job that did not, in words. */
  faults(jobs: readonly JobView[]): string[] {
    return jobs.flatMap((job) => {
      const wrong = this.#wrongOf(job);
      return wrong ? [`job "${job.name}" ran on ${wrong.ranOn} instead of ${wrong.shouldRunOn}`] : [];
    });
  }

  #wrongOf({ projectId, id }: JobView): Wrong | undefined {
    return this.#wrong.get(jobKeyOf({ projectId, jobId: id }));
  }
}
