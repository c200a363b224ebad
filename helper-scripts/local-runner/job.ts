/** A job as `POST /jobs/request` hands it out: the parts that the stand-in reads. */
export interface RunnerJob {
  readonly id: number;
  readonly token: string;
  readonly job_info: {
    readonly name: string;
    readonly project_id: number;
    readonly project_full_path?: string;
    readonly namespace_id?: number;
  };
  readonly git_info: {
    readonly repo_url: string;
    readonly ref: string;
    readonly sha: string;
    readonly refspecs?: readonly string[];
    readonly depth?: number;
  };
  readonly runner_info: { readonly timeout: number };
  readonly variables: readonly JobVariable[];
  readonly steps: readonly JobStep[];
  readonly image?: { readonly name: string } | null;
  readonly artifacts?: readonly unknown[] | null;
  readonly cache?: readonly unknown[] | null;
  readonly features?: { readonly failure_reasons?: readonly string[] };
}

export interface JobVariable {
  readonly key: string;
  readonly value: string;
  readonly file?: boolean;
  readonly masked?: boolean;
  readonly raw?: boolean;
}

export interface JobStep {
  readonly name: string;
  readonly script: readonly string[];
  readonly timeout: number;
  readonly when: string;
  readonly allow_failure: boolean;
}

/** How a job ended, in the words of the protocol. */
export interface JobResult {
  readonly state: 'success' | 'failed';
  readonly failureReason?: string;
  readonly exitCode?: number;
  /** What the log says after "Job failed: ". */
  readonly error?: string;
}

const defaultTimeoutSeconds = 7200;

/** 0 stands for "not said": the released binary then takes two hours. */
export function jobTimeoutSeconds(job: RunnerJob): number {
  return job.runner_info.timeout || defaultTimeoutSeconds;
}

/** A server that does not list a reason would refuse it: the older ones know only `unknown_failure`. */
export function supportedFailureReason(reason: string, supported: readonly string[] | undefined): string {
  return supported?.includes(reason) ? reason : 'unknown_failure';
}

/** The clone address without the credentials in it. */
export function publicRepositoryUrl(job: RunnerJob): string {
  const url = new URL(job.git_info.repo_url);
  url.username = '';
  url.password = '';
  return url.href;
}

export function projectPath(job: RunnerJob): string {
  return job.job_info.project_full_path ?? new URL(job.git_info.repo_url).pathname.replace(/^\/|\.git$/g, '');
}
