import { type JobKey, parseJobKey } from '../../infrastructure/kit/job-key.ts';

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

/** The job for which a runner with this maintenance note was made; null when the note is not this deployment's. */
export function jobOfNote(deployment: string, note: string): JobKey | null {
  if (!isNoteOf(deployment, note)) return null;
  const job = note.split(' ')[2] ?? '';
  return parseJobKey(job) ? (job as JobKey) : null;
}
