import { randomBytes } from 'node:crypto';
import { runnerSentences } from '../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import { type ApiAnswer, headerText, messageOf, replyFields, updateAnswer } from './api-answer.ts';
import type { JobResult, RunnerJob } from './job.ts';
import { publicRepositoryUrl, supportedFailureReason } from './job.ts';
import { type JobReply, judgePatch, judgeUpdate } from './job-reply.ts';
import { NoAnswerError, type RunnerApi, UnusableUrlError } from './runner-api.client.ts';
import type { RunnerInfo } from './runner-identity.ts';
import type { RunnerLog } from './runner-log.process.ts';

/** What a request for a job led to. */
export type JobOffer =
  | { readonly kind: 'job'; readonly job: RunnerJob }
  | { readonly kind: 'none' }
  /** The token or the address is no good: ask again only after a long while. */
  | { readonly kind: 'unhealthy' };

export interface TraceSummary {
  /** `crc32:` and eight hexadecimal digits. */
  readonly checksum: string;
  readonly bytes: number;
}

/** The four calls of a runner that does jobs, with the messages that the released binary logs for them. */
export class JobProtocol {
  readonly #api: RunnerApi;
  readonly #info: RunnerInfo;
  readonly #token: string;
  readonly #systemId: string;
  readonly #log: RunnerLog;
  #lastUpdate = '';

  constructor(api: RunnerApi, info: RunnerInfo, token: string, systemId: string, log: RunnerLog) {
    this.#api = api;
    this.#info = info;
    this.#token = token;
    this.#systemId = systemId;
    this.#log = log;
  }

  async requestJob(): Promise<JobOffer> {
    const correlationId = newCorrelationId();
    const log = this.#log.with({ correlation_id: correlationId });
    const lastUpdate = this.#lastUpdate === '' ? {} : { last_update: this.#lastUpdate };
    try {
      const answer = await this.#api.call({
        method: 'POST',
        path: 'jobs/request',
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json',
          'RUNNER-TOKEN': this.#token,
        },
        body: JSON.stringify({ info: this.#info, token: this.#token, system_id: this.#systemId, ...lastUpdate }),
        correlationId,
      });
      return this.#readOffer(answer, log);
    } catch (error) {
      if (error instanceof UnusableUrlError) {
        log.error(runnerSentences.askingImpossible.says, { status: error.message });
        return { kind: 'unhealthy' };
      }
      if (!(error instanceof NoAnswerError)) throw error;
      log.warn(runnerSentences.askingFailed.says, {
        status: `execute JSON request: execute request: ${error.message}`,
      });
      return { kind: 'none' };
    }
  }

  /** Says that the job runs; also the sign of life of a job that writes nothing. */
  reportRunning(job: RunnerJob): Promise<JobReply> {
    return this.#update(job, { state: 'running', output: {} }, { checksum: '', bytes: 0 });
  }

  /** The end of a job, with what its log should look like. */
  reportResult(job: RunnerJob, result: JobResult, trace: TraceSummary): Promise<JobReply> {
    const supported = job.features?.failure_reasons;
    const reason = result.failureReason;
    return this.#update(
      job,
      {
        state: result.state,
        ...(reason === undefined ? {} : { failure_reason: supportedFailureReason(reason, supported) }),
        checksum: trace.checksum,
        output: { checksum: trace.checksum, bytesize: trace.bytes },
        ...(result.exitCode === undefined ? {} : { exit_code: result.exitCode }),
      },
      trace,
    );
  }

  /**
   * The job was cancelled before it began: the released binary skips the reason's translation and the log's size here.
   */
  reportCanceledBeforeStart(job: RunnerJob): Promise<JobReply> {
    const checksum = 'crc32:00000000';
    const body = { state: 'failed', failure_reason: 'job_canceled', checksum, output: { checksum } };
    return this.#update(job, body, { checksum, bytes: 0 });
  }

  /** Appends to the job's log. */
  async patchTrace(job: RunnerJob, content: Uint8Array, fromByte: number): Promise<JobReply> {
    const correlationId = newCorrelationId();
    const sentRange = `${fromByte}-${fromByte + content.length - 1}`;
    const log = this.#log.with({ correlation_id: correlationId, job: job.id });
    const answer = await this.#answerOrReason(
      this.#api.call({
        method: 'PATCH',
        path: `jobs/${job.id}/trace?debug_trace=false`,
        headers: { 'Content-Range': sentRange, 'Content-Type': 'text/plain', 'JOB-TOKEN': job.token },
        body: content,
        correlationId,
      }),
    );
    if (answer instanceof NoAnswerError) {
      this.#log.error(`Appending trace to coordinator... error ${answer.message}`);
      return { kind: 'failed' };
    }
    const storedRange = headerText(answer, 'range');
    const verdict = judgePatch(updateAnswer(answer), storedRange);
    log[verdict.level](verdict.message, {
      ...replyFields(answer),
      'job-log': storedRange,
      'sent-log': sentRange,
      status: answer.statusText,
    });
    return verdict.reply;
  }

  #readOffer(answer: ApiAnswer, log: RunnerLog): JobOffer {
    const status = this.#problem('POST', 'jobs/request', answer);
    const contentType = headerText(answer, 'content-type').split(';')[0] ?? '';
    if (answer.status === 201 && contentType !== 'application/json') {
      const reason = `server should return application/json. Got: ${contentType}`;
      log.warn(runnerSentences.askingFailed.says, { status: `response is not application/json: ${reason}` });
      return { kind: 'none' };
    }
    if (answer.status === 201 || answer.status === 204) {
      this.#lastUpdate = headerText(answer, 'x-gitlab-last-update') || this.#lastUpdate;
    }
    if (answer.status === 201) {
      const job = JSON.parse(answer.text) as RunnerJob;
      log.info(runnerSentences.jobReceived.says, { job: job.id, repo_url: publicRepositoryUrl(job) });
      return { kind: 'job', job };
    }
    if (answer.status === 204) return { kind: 'none' };
    if (answer.status === 503) {
      log.warn(runnerSentences.askingUnavailable.says, { status });
      return { kind: 'none' };
    }
    if (answer.status === 403) {
      log.error(runnerSentences.askingRefused.says, { status });
      return { kind: 'unhealthy' };
    }
    log.warn(runnerSentences.askingFailed.says, { status });
    return { kind: 'none' };
  }

  async #update(job: RunnerJob, body: object, { checksum, bytes }: TraceSummary): Promise<JobReply> {
    const correlationId = newCorrelationId();
    const log = this.#log.with({ correlation_id: correlationId, job: job.id, bytesize: bytes, checksum });
    log.info('Updating job...');
    const path = `jobs/${job.id}`;
    const answer = await this.#answerOrReason(
      this.#api.call({
        method: 'PUT',
        path,
        headers: { 'Content-Type': 'application/json', 'JOB-TOKEN': job.token },
        body: JSON.stringify({ info: this.#info, token: job.token, ...body }),
        correlationId,
      }),
    );
    if (answer instanceof NoAnswerError) {
      const status = `execute JSON request: execute request: ${answer.message}`;
      log.warn(runnerSentences.updateFailed.says, { code: -1, 'job-status': '', 'update-interval': 0, status });
      return { kind: 'failed' };
    }
    const verdict = judgeUpdate(updateAnswer(answer));
    const problem = verdict.level === 'warn' ? { status: this.#problem('PUT', path, answer) } : {};
    log[verdict.level](verdict.message, { ...replyFields(answer), ...problem });
    return verdict.reply;
  }

  /** A refusal with what was asked; a success (a job that is over) needs only its status line. */
  #problem(method: string, path: string, answer: ApiAnswer): string {
    if (answer.status < 300) return answer.statusText;
    return `${method} ${this.#api.address(path)}: ${answer.statusText}${messageOf(answer)}`;
  }

  async #answerOrReason(call: Promise<ApiAnswer>): Promise<ApiAnswer | NoAnswerError> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof NoAnswerError) return error;
      throw error;
    }
  }
}

/** As many hexadecimal digits as the released binary's correlation ids have. */
export function newCorrelationId(): string {
  return randomBytes(16).toString('hex');
}
