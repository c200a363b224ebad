/** What we look at of a job. Source: https://docs.gitlab.com/api/jobs/ */
export type GitLabJob = {
  readonly id: number;
  readonly status: string;
  readonly tags: readonly string[];
  readonly runnerId: number | null;
  /** Which host of the runner has the job: its system id. */
  readonly systemId: string | null;
};

/** A job as lists show it. Times are ISO 8601. */
export type ListedJob = GitLabJob & {
  readonly name: string;
  readonly stage: string;
  readonly ref: string;
  readonly pipelineId: number | null;
  readonly createdAt: string;
};

/** A runner as lists show it: without its maintenance note. */
export type ListedRunner = {
  readonly runnerId: number;
  readonly description: string;
  /** ISO 8601; null when GitLab is too old to tell. */
  readonly createdAt: string | null;
  /** A job runs on it. */
  readonly busy: boolean;
};

export type ListedProject = { readonly projectId: number; readonly path: string };
