import type { JobKey } from '../../infrastructure/lib/job-key.ts';

const mark = 'gitlab-runners-on-demand';

export type RunnerMark = { readonly deployment: string; readonly job: JobKey; readonly attempt: number };

/** The maintenance note by which we recognise our own runners in GitLab, also those that our table does not know. */
export function noteOfRunner({ deployment, job, attempt }: RunnerMark): string {
  return `${mark} deployment=${deployment} ${job} attempt=${attempt}`;
}

/** Says whether a runner's maintenance note is this deployment's. */
export function isNoteOf(deployment: string, note: string | null | undefined): boolean {
  return note?.startsWith(`${mark} deployment=${deployment} `) ?? false;
}
