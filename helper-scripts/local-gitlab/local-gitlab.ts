import type { AccessToken } from './access-token.ts';
import type { CompositeStatus } from './composite-status.ts';
import type { Delivery } from './delivery.ts';
import type { Faults } from './faults.ts';
import type { JobChangeView, JobView } from './job-view.ts';
import type { PipelineOptions } from './jobs.ts';
import type { Project } from './project.ts';
import type { ProjectOptions, Webhook } from './projects.ts';

export interface LocalGitLabOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly hostname?: string;
  /** An access token of scope `api`, of somebody who may do everything. */
  readonly adminToken: string;
  /** Further ones, which may do less. */
  readonly accessTokens?: readonly AccessToken[];
  readonly webhook?: Webhook;
  /** Told what happens, one line each. */
  readonly log?: (line: string) => void;
  /** How long a request for a job is held when there is none; 0, as on most self-managed servers. */
  readonly longPollSeconds?: number;
  /** How often runners send their logs, and so notice a cancellation. */
  readonly traceUpdateIntervalSeconds?: number;
  /** Look like a GitLab before 18. */
  readonly hookShape?: 'current' | 'old';
  readonly sharedRunner?: SharedRunnerOptions;
  readonly now?: () => Date;
}

/** A runner of somebody else, see `SharedRunner`. */
export interface SharedRunnerOptions {
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  /** Until a job is taken. */
  readonly delayMs?: number;
  /** Until it has succeeded. */
  readonly durationMs?: number;
}

export interface PipelineView {
  readonly id: number;
  readonly projectId: number;
  readonly status: CompositeStatus;
  readonly warnings: readonly string[];
}

export interface RunnerView {
  readonly id: number;
  readonly description: string;
  readonly tags: readonly string[];
  readonly paused: boolean;
  readonly projectId: number | null;
  /** The hosts that asked for jobs in its name. */
  readonly systemIds: readonly string[];
  readonly busy: boolean;
}

/** A small GitLab: the HTTP API that gitlab-runner and we use, and this handle for the program that started it. */
export interface LocalGitLab {
  readonly url: string;
  readonly adminToken: string;
  createProject(path: string, options?: ProjectOptions): Project;
  projects(): readonly Project[];
  /** @throws CiConfigError naming every fault of the text */
  createPipeline(projectId: number, yamlText: string, options?: PipelineOptions): PipelineView;
  pipelines(): readonly PipelineView[];
  /** Asks the runner first where there is one: https://docs.gitlab.com/ci/jobs/job_execution_flow. */
  cancelJob(jobId: number, force?: boolean): JobView;
  retryJob(jobId: number): JobView;
  playJob(jobId: number): JobView;
  /** Ends a job as GitLab itself does, `stuck_pending_no_matching_runners` for instance. */
  dropJob(jobId: number, failureReason: string): JobView;
  jobs(): readonly JobView[];
  job(jobId: number): JobView;
  jobTrace(jobId: number): string;
  /** Those that were registered; the shared runner, which is always there, is not among them. */
  runners(): readonly RunnerView[];
  /** Replaces the webhook of all projects. */
  setWebhook(webhook: Webhook | undefined): void;
  deliveries(): readonly Delivery[];
  /** Sends a delivery once more, with the same id. */
  resend(deliveryId: number): Promise<Delivery>;
  /** Resolves when no webhook is under way. */
  settleWebhooks(): Promise<void>;
  readonly faults: Faults;
  /** @returns a function that ends the listening */
  onJobChange(listener: (change: JobChangeView) => void): () => void;
  sharedRunner(options: SharedRunnerOptions): { readonly runnerId: number; stop(): void };
  /**
   * Gives an access token another value, with the same scopes. The old one is refused from then on, as when it is
   * revoked.
   */
  rotateAccessToken(from: string, to: string): void;
  /**
   * Goes down as for a restart: every connection breaks, and none is accepted. What it knows stays, as in a database.
   */
  goDown(): Promise<void>;
  /** Listens again, under the same address. */
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}
