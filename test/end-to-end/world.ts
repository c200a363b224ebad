import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { InvokeCommand, LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SSMClient } from '@aws-sdk/client-ssm';
import { expect } from 'vitest';
import { createReconcileStore } from '../../autoscaler/reconcile/look/reconcile-store.client.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import { readParameter } from '../../helper-scripts/cli/deployment-names.client.ts';
import type { JobView } from '../../helper-scripts/local-gitlab/job-view.ts';
import type { RunnerView } from '../../helper-scripts/local-gitlab/local-gitlab.ts';
import { isNothing, type Leftovers } from '../../helper-scripts/local-run/leftovers.client.ts';
import type { LocalRun } from '../../helper-scripts/local-run/local-run.process.ts';
import { infrastructureParameters } from '../../infrastructure/exports.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';

/** Not a measure of speed: whatever has not happened by then never will. */
const patienceMilliseconds = 300_000;

type WebhookSecret = { readonly token: string; readonly signingToken: string };

/** What the scenarios do and see: the local run, and a few words for what they have in common. */
export class World {
  readonly run: LocalRun;
  readonly projectId: number;
  #secret: WebhookSecret | undefined;
  #waiting: { readonly left: Leftovers; readonly runnerIds: ReadonlySet<number> } | undefined;

  constructor(run: LocalRun) {
    this.run = run;
    this.projectId = run.gitlab.projects()[0]?.id ?? 0;
  }

  /** Starts a pipeline and returns its jobs. */
  startPipeline(yamlText: string): readonly JobView[] {
    const { id } = this.run.gitlab.createPipeline(this.projectId, yamlText);
    return this.run.gitlab.jobs().filter((job) => job.pipelineId === id);
  }

  job(id: number): JobView {
    return this.run.gitlab.job(id);
  }

  /** Runners in GitLab that the autoscaler made: all but the long-lived one, and those of jobs that wait beside. */
  runners(): readonly RunnerView[] {
    const { gitlab, longLivedRunnerId } = this.run;
    return gitlab.runners().filter(({ id }) => id !== longLivedRunnerId && !this.#waiting?.runnerIds.has(id));
  }

  /**
   * From now on these jobs wait for their hosts beside whatever else happens: what they have is no leftover of other
   * scenarios.
   */
  async letWait(jobs: readonly JobView[]): Promise<void> {
    for (const job of jobs) await this.untilState(job, 'REGISTERED');
    await this.run.gitlab.settleWebhooks();
    const left = await this.until('a ticket for each job that waits', async () => {
      const leftovers = await this.run.leftovers();
      return leftovers.tickets === jobs.length && leftovers;
    });
    this.#waiting = { left, runnerIds: new Set(this.runners().map(({ id }) => id)) };
  }

  /** There is nothing beside any more. */
  letNobodyWait(): void {
    this.#waiting = undefined;
  }

  async itemOf(job: { readonly id: number; readonly projectId: number }): Promise<RunnerItem | undefined> {
    const key = jobKeyOf({ projectId: job.projectId, jobId: job.id });
    return (await this.run.readItems()).find(({ pk }) => pk === key);
  }

  /**
   * Does something while the reconciler looks every second, called as its schedule calls it each minute. Together with
   * the local deployment's impatience that is a day of an operator in half a minute.
   */
  async withPasses<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController();
    const passes = this.#passUntil(done.signal);
    // A pass that fails ends the wait at once, instead of after all patience.
    try {
      return await Promise.race([work(), passes.then(() => new Promise<never>(() => {}))]);
    } finally {
      done.abort();
      await passes;
    }
  }

  async #passUntil(signal: AbortSignal): Promise<void> {
    const lambda = new LambdaClient(this.run.clientOptions());
    const FunctionName = await this.#reconciler(lambda);
    while (!signal.aborted) {
      const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
      if (FunctionError) throw new Error(`a pass of the reconciler failed: ${Buffer.from(Payload ?? []).toString()}`);
      await sleep(1_000, undefined, { signal }).catch(() => {});
    }
  }

  async #reconciler(client: LambdaClient): Promise<string> {
    for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
      const found = Functions.find(({ FunctionName }) => FunctionName?.includes('-autoscaler-Functionsreconcile'));
      if (found?.FunctionName) return found.FunctionName;
    }
    throw new Error('there is no reconciler among the functions');
  }

  /** What the reconciler's last pass takes for wrong: kinds of repairs, and what each is about. */
  async suspicions(): Promise<readonly string[]> {
    const { suspicions } = await createReconcileStore(this.run.dynamodb, this.run.tableNames).readMemory();
    return Object.keys(suspicions);
  }

  /** Looks until `look` gives something, and fails naming what was waited for. */
  async until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
    const deadline = Date.now() + patienceMilliseconds;
    for (;;) {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`);
      await sleep(100);
    }
  }

  untilOver(...jobs: readonly { readonly id: number }[]): Promise<readonly JobView[]> {
    const over = ['success', 'failed', 'canceled', 'skipped'];
    return this.until(`the end of the jobs ${jobs.map(({ id }) => id).join(', ')}`, () => {
      const now = jobs.map(({ id }) => this.job(id));
      return now.every(({ status }) => over.includes(status)) && now;
    });
  }

  untilState(job: { readonly id: number; readonly projectId: number }, ...states: readonly RunnerItem['state'][]) {
    return this.until(`job ${job.id} to be ${states.join(' or ')} in the table`, async () => {
      const item = await this.itemOf(job);
      return item && states.includes(item.state) && item;
    });
  }

  async untilNothingIsLeft(): Promise<void> {
    await this.run.gitlab.settleWebhooks();
    const nothing = async () => {
      const leftovers = await this.run.leftovers();
      return isNothing(leftovers) || isDeepStrictEqual(leftovers, this.#waiting?.left);
    };
    await this.until('nothing to be left', nothing).catch(async (error) => {
      // The counts say more than "waited in vain".
      expect(await this.run.leftovers(), error.message).toEqual({
        instances: 0,
        gitlabRunners: 0,
        tickets: 0,
        liveItems: 0,
        placesTaken: 0,
      });
    });
  }

  async webhookSecret(): Promise<WebhookSecret> {
    const options = this.run.clientOptions();
    const SecretId = await readParameter(
      infrastructureParameters(this.run.deployment).webhookSecretArn,
      new SSMClient(options),
    );
    const { SecretString } = await new SecretsManagerClient(options).send(new GetSecretValueCommand({ SecretId }));
    this.#secret ??= JSON.parse(SecretString ?? '{}') as WebhookSecret;
    return this.#secret;
  }

  /** Sends a hook by hand, signed as GitLab signs. */
  async sendHook(body: object, { secret, timestamp }: { secret?: string; timestamp?: number } = {}): Promise<Response> {
    const text = JSON.stringify(body);
    const id = randomUUID();
    const seconds = timestamp ?? Math.floor(Date.now() / 1_000);
    const signingToken = secret ?? (await this.webhookSecret()).signingToken;
    const key = Buffer.from(signingToken.replace('whsec_', ''), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${seconds}.${text}`).digest('base64');
    return fetch(this.run.webhookUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-gitlab-event': 'Job Hook',
        'webhook-id': id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': `v1,${signature}`,
      },
      body: text,
    });
  }
}

/** A job hook as GitLab 19 sends it, less what we do not read. */
export function jobHook(job: JobView, status: string, runner: object | null = null): object {
  return {
    object_kind: 'build',
    ref: 'main',
    build_id: job.id,
    build_name: job.name,
    build_stage: job.stage,
    build_status: status,
    build_started_at: null,
    build_finished_at: null,
    pipeline_id: job.pipelineId,
    runner,
    project_id: job.projectId,
    project: { id: job.projectId, path_with_namespace: 'examples/pipeline' },
  };
}
