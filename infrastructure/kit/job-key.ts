/** A job of the deployment's GitLab. */
export type JobReference = { readonly projectId: number; readonly jobId: number };

/** The key under which our tables know a job: `job#<project id>#<job id>`. */
export type JobKey = `job#${number}#${number}`;

/** Returns the table key of a job. */
export function jobKeyOf({ projectId, jobId }: JobReference): JobKey {
  return `job#${projectId}#${jobId}`;
}

/** Reads a table key back; null when the text is not one. */
export function parseJobKey(text: string): JobReference | null {
  const match = /^job#(\d+)#(\d+)$/.exec(text);
  return match ? { projectId: Number(match[1]), jobId: Number(match[2]) } : null;
}
