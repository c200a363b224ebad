import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../infrastructure/kit/lambda/log.ts';
import type { LambdaRunnerPayload, RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import type { JobOutcome } from '../../lambda-shell-runner/job-outcome.ts';
import { type RunJobPorts, runJob } from '../../lambda-shell-runner/run-job.lambda.ts';
import type { Patience } from '../../lambda-shell-runner/runner-deadlines.ts';
import { createSandbox } from '../../lambda-shell-runner/sandbox.client.ts';
import { type FakeRunnerNotes, type FakeRunnerScript, installFakeRunner } from './fake-gitlab-runner.ts';

export const fakeToken = 'glrt-fake-not-a-real-secret';

/** The autoscaler's event for one job. */
export function jobPayload(changes: Partial<LambdaRunnerPayload> = {}): LambdaRunnerPayload {
  return {
    kind: 'run-job',
    ticketId: 'ticket-1',
    ticketsTable: 'tickets',
    gitlabUrl: 'https://gitlab.example.com',
    runnerName: 'on demand',
    runnerId: 7,
    job: { projectId: 123, jobId: 10, jobName: 'hello', projectPath: 'group/p' },
    attempt: 1,
    timeoutSeconds: 1,
    ...changes,
  };
}

export function runnerTicket(changes: Partial<RunnerTicket> = {}): RunnerTicket {
  return { id: 'ticket-1', token: fakeToken, job: 'job#123#10', expiresAt: Date.now() / 1_000 + 600, ...changes };
}

/** Short enough for a test; long where a busy machine would otherwise change the outcome. */
const shortPatience: Patience = {
  waitForJob: 15_000,
  endIdle: 300,
  endJob: 1_500,
  report: 600,
  cleanUp: 1_000,
  hearSignal: 100,
};

type Line = Readonly<Record<string, unknown>> & { readonly level: string; readonly message: string };

/** A machine on which executions run, with a GitLab and a ticket table in memory. */
export class RunnerMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'shell-runner-test-'));
  /** Stands for Lambda's `/tmp`. */
  readonly scratch = join(this.folder, 'scratch');
  readonly notesFile = join(this.folder, 'notes.json');
  readonly tickets = new Map<string, RunnerTicket>();
  readonly runnersInGitLab = new Set<string>();
  readonly logLines: Line[] = [];
  environmentEnded = false;
  #binary: string;

  constructor(script: FakeRunnerScript) {
    mkdirSync(this.scratch);
    this.#binary = installFakeRunner(join(this.folder, 'bin'), { notes: this.notesFile, ...script });
    this.issueTicket();
  }

  issueTicket(ticket: RunnerTicket = runnerTicket()): void {
    this.tickets.set(ticket.id, ticket);
    this.runnersInGitLab.add(ticket.token);
  }

  execute(
    options: {
      readonly seconds?: number;
      readonly ports?: Partial<RunJobPorts>;
      readonly patience?: Partial<Patience>;
    } = {},
  ): Promise<JobOutcome> {
    const endsAt = Date.now() + (options.seconds ?? 60) * 1_000;
    const ports: RunJobPorts = {
      claimTicket: async (_table, id) => {
        const ticket = this.tickets.get(id) ?? null;
        this.tickets.delete(id);
        return ticket;
      },
      assumeJobRole: async () => null,
      removeRunner: async (_url, token) => {
        this.runnersInGitLab.delete(token);
      },
      sandbox: createSandbox({ scratch: this.scratch, exclusive: false }),
      environment: {
        PATH: process.env.PATH,
        GITLAB_RUNNER_PATH: this.#binary,
        AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
        AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
      },
      patience: { ...shortPatience, ...options.patience },
      endEnvironment: () => {
        this.environmentEnded = true;
      },
      ...options.ports,
    };
    const log = createLog((line) => this.logLines.push(JSON.parse(line) as Line), Date.now);
    return runJob(jobPayload(), ports, { log, remainingMilliseconds: () => endsAt - Date.now() });
  }

  get notes(): FakeRunnerNotes {
    return JSON.parse(readFileSync(this.notesFile, 'utf8')) as FakeRunnerNotes;
  }

  /** A file outside of the scratch folder, in which a job can leave word for its test. */
  outside(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string {
    return existsSync(this.outside(name)) ? readFileSync(this.outside(name), 'utf8') : '';
  }

  get logText(): string {
    return this.logLines.map((line) => JSON.stringify(line)).join('\n');
  }

  get leftovers(): readonly string[] {
    return readdirSync(this.scratch);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process lives; one that is dead and only waits to be collected does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
