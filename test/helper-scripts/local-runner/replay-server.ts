import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { jobPlaceholder, type RecordedExchange, type Recording } from './recording.ts';

/**
 * Answers as the server of a recording did, and notes every way in which the requests differ from those that were
 * recorded. Reading the log of a job, it checks that its pieces fit together and that the final checksum is right.
 */
export class ReplayServer {
  readonly deviations: string[] = [];
  readonly #recording: Recording;
  readonly #scale: number;
  readonly #onFirstRequest: () => void;
  readonly #server = http.createServer((request, response) => void this.#receive(request, response));
  #position = 0;
  #count = 0;
  #trace = Buffer.alloc(0);
  #requests = 0;

  constructor(recording: Recording, scale: number, onFirstRequest: () => void = () => undefined) {
    this.#recording = recording;
    this.#scale = scale;
    this.#onFirstRequest = onFirstRequest;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The whole log of the job, as it was sent. */
  get trace(): string {
    return this.#trace.toString('utf8');
  }

  /** Closes the server; what was recorded but never asked for counts as a deviation. */
  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    if (!this.#isSatisfied()) this.#note(`"${this.#name()}" came ${this.#count} times`);
    for (const exchange of this.#recording.exchanges.slice(this.#position + 1)) {
      this.#note(`${exchange.method} ${exchange.path} never came`);
    }
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (this.#requests === 0) this.#onFirstRequest();
    this.#requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const expected = this.#advanceTo(request.method ?? '', request.url ?? '');
    if (expected === undefined) {
      this.#note(`unexpected ${request.method} ${request.url} after "${this.#name()}"`);
      response.writeHead(500).end();
      return;
    }
    this.#compareHeaders(expected, request.headers);
    if (expected.method === 'PATCH') this.#takePiece(expected, request.headers['content-range'] ?? '', body);
    else this.#compareBody(expected, body);
    await this.#answer(expected, response);
  }

  /**
   * The exchange that a request belongs to: the present one, or the next one when the present one came often enough.
   */
  #advanceTo(method: string, path: string): RecordedExchange | undefined {
    const { exchanges } = this.#recording;
    const fits = (exchange: RecordedExchange | undefined): boolean =>
      exchange?.method === method && exchange.path === path;
    const present = exchanges[this.#position];
    if (fits(present) && this.#count < (present?.times.most ?? 0)) {
      this.#count += 1;
      return present;
    }
    if (!this.#isSatisfied() || !fits(exchanges[this.#position + 1])) return undefined;
    this.#position += 1;
    this.#count = 1;
    return exchanges[this.#position];
  }

  #isSatisfied(): boolean {
    return this.#count >= (this.#recording.exchanges[this.#position]?.times.least ?? 0);
  }

  #compareHeaders(expected: RecordedExchange, actual: http.IncomingHttpHeaders): void {
    for (const [name, value] of Object.entries(expected.headers)) {
      if (value !== '{range}' && actual[name] !== value) this.#note(`header ${name} is ${actual[name]}, not ${value}`);
    }
    const unknown = Object.keys(actual).filter((name) => !(name in expected.headers) && !ordinaryHeaders.has(name));
    if (unknown.length > 0) this.#note(`headers ${unknown.join(', ')} were not recorded`);
    if (!/^[0-9a-f]{32}$/.test(String(actual['x-request-id']))) this.#note(`x-request-id is ${actual['x-request-id']}`);
    if (!actual['user-agent']?.startsWith('gitlab-runner 19.3.0 (stand-in;')) {
      this.#note(`user-agent is ${actual['user-agent']}`);
    }
  }

  #compareBody(expected: RecordedExchange, body: Buffer): void {
    const { info, system_id: systemId, ...actual } = JSON.parse(body.toString()) as Record<string, unknown>;
    const { system_id: recordedId, ...recorded } = expected.body ?? {};
    const wanted = JSON.parse(
      JSON.stringify(recorded)
        .replaceAll('"{bytesize}"', String(this.#trace.length))
        .replaceAll('{checksum}', `crc32:${crc32(this.#trace).toString(16).padStart(8, '0')}`),
    ) as unknown;
    const problem = `${this.#name()} with ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`;
    if (canonical(actual) !== canonical(wanted)) this.#note(problem);
    if (typeof systemId !== typeof recordedId) this.#note(`${this.#name()}: system_id is ${systemId}`);
    if (recordedId === fixedSystemId && systemId !== fixedSystemId) this.#note(`system_id is ${systemId}`);
    if (typeof systemId === 'string' && !/^[rs]_[0-9a-zA-Z]{12}$/.test(systemId))
      this.#note(`system_id is ${systemId}`);
    if (expected.method === 'PUT' && info === undefined) this.#note(`${this.#name()} has no info`);
  }

  /** A piece of the log must begin where GitLab's copy ends; when the job is over, GitLab stores nothing. */
  #takePiece(expected: RecordedExchange, range: string, piece: Buffer): void {
    const jobStatus = expected.answer.headers['Job-Status'];
    const stored = jobStatus === 'canceled' ? 0 : this.#trace.length;
    if (range !== `${stored}-${stored + piece.length - 1}`) {
      this.#note(`content-range ${range} for ${piece.length} bytes after ${stored}`);
    }
    this.#trace = Buffer.concat([this.#trace.subarray(0, stored), piece]);
  }

  async #answer({ method, answer }: RecordedExchange, response: http.ServerResponse): Promise<void> {
    if (answer.status === null) return;
    await wait(answer.afterMs * this.#scale);
    const stored = answer.headers['Job-Status'] === 'canceled' ? 0 : this.#trace.length;
    const range: Record<string, string> = method === 'PATCH' && answer.status === 202 ? { Range: `0-${stored}` } : {};
    response.writeHead(answer.status, { ...answer.headers, ...range });
    const body = answer.body === jobPlaceholder ? this.#job() : answer.body;
    response.end(typeof body === 'string' || body === null ? body : JSON.stringify(body));
  }

  #job(): unknown {
    const { job } = this.#recording;
    if (job === null) throw new Error('this recording hands out no job');
    const host = this.url.replace('http://', '');
    return {
      id: job.id,
      token: 'glcbt-fake-job',
      job_info: { name: 'hello', stage: 'test', project_id: 123, project_full_path: 'group/p', namespace_id: 7 },
      git_info: { repo_url: `http://gitlab-ci-token:fake@${host}/group/p.git`, ref: 'main', sha: '0'.repeat(40) },
      runner_info: { timeout: job.timeoutSeconds },
      variables: [
        { key: 'CI_JOB_ID', value: String(job.id) },
        { key: 'CI_JOB_TOKEN', value: 'glcbt-fake-job', masked: true },
        { key: 'GIT_STRATEGY', value: 'none' },
      ],
      steps: job.steps.map((step) => ({ ...step, script: step.script.map((line) => this.#scaleSleep(line)) })),
      features: { failure_reasons: job.failureReasons },
    };
  }

  #scaleSleep(line: string): string {
    return line.replace(/sleep ([\d.]+)/g, (_, seconds: string) => `sleep ${Number(seconds) * this.#scale}`);
  }

  #name(): string {
    const exchange = this.#recording.exchanges[this.#position];
    return exchange === undefined
      ? 'the beginning'
      : `${exchange.method} ${exchange.path} -> ${exchange.answer.status}`;
  }

  #note(deviation: string): void {
    this.deviations.push(deviation);
  }
}

/** What the test writes into `.runner_system_id` where the recording had that file. */
export const fixedSystemId = 'r_abcdefghijkl';

const ordinaryHeaders = new Set(['host', 'connection', 'content-length', 'user-agent', 'x-request-id', 'keep-alive']);

/** JSON with its keys in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
