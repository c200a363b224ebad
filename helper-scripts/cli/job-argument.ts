import { UsageError } from './usage-error.ts';

/** A job as people name it: its id, with or without its project, which is an id or a path. */
export type JobArgument = { readonly jobId: number; readonly project: string | null };

/** Reads `123`, `45/123` or `group/app/123`. @throws {UsageError} */
export function parseJobArgument(text: string): JobArgument {
  const match = /^(?:(.+)\/)?#?(\d+)$/su.exec(text.trim());
  const jobId = Number(match?.[2]);
  if (match && Number.isSafeInteger(jobId)) return { jobId, project: match[1] ?? null };
  throw new UsageError(`"${text}" is no job: give its id, or project/id (such as 1977, 380/1977 or group/app/1977)`);
}
