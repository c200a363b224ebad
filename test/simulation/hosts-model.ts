import { systemIdOf } from '../../autoscaler/runner-store/runner-manager.ts';
import { nameOfHost } from '../../autoscaler/runner-store/ticket-place.ts';
import type { LambdaRunnerPayload, RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import { type Ec2Model, lives, type SimulatedInstance } from './ec2-model.ts';
import type { ExecutionsModel } from './executions-model.ts';
import type { Faults } from './faults.ts';
import type { GitLabModel } from './gitlab-model.ts';
import type { Random } from './random.ts';
import { isOver, type SimulatedJob } from './simulated-job.ts';
import type { Asker } from './tables-model.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A machine or function that runs gitlab-runner. */
export type Host = {
  /** Instance id, or the invocation of a function. */
  readonly name: string;
  token: string | null;
  /** Of a host of a long-lived runner: which of its managers it is. */
  systemId: string | null;
  job: SimulatedJob | null;
  /** What GitLab said when it was asked for a job last; null as long as it was not. */
  lastAnswer: 'job' | 'nothing' | 'refused' | 'down' | null;
  /** Whether GitLab has ever answered. */
  wasAnswered: boolean;
  isAlive(): boolean;
};

/** Why Lambda calls an invocation failed, in its own words. */
export type InvocationEnd = {
  readonly condition: 'EventAgeExceeded' | 'RetriesExhausted';
  readonly errorType?: 'GitLabUnreachableError' | 'Runtime.ExitError' | 'Sandbox.Timedout';
};

export type HostsModelOptions = {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly random: Random;
  readonly gitlab: GitLabModel;
  readonly ec2: () => Ec2Model;
  readonly claim: (id: string, asker: Asker) => RunnerTicket | null;
  readonly onTaken: (host: Host) => void;
  /** A job's host saw that EC2 takes it back, and ended the job. */
  readonly onInterrupted: (job: SimulatedJob, instance: SimulatedInstance) => void;
  /** EC2 takes a spot instance back. */
  readonly onSpotWarning: (instanceId: string) => void;
  readonly executions: ExecutionsModel;
  /** A runner was started for an attempt. */
  readonly onStarted: (host: Host, payload: LambdaRunnerPayload) => void;
  /** Lambda's on-failure destination. */
  readonly onFunctionFailed: (payload: LambdaRunnerPayload, end: InvocationEnd) => void;
};

/** System id of a host that is none of ours. */
export const otherHost = 'r_other';

/** The one LAMBDA profile of a simulated deployment. */
const functionsProfile = 'shell';
/** gitlab-runner's pause after each request that brought no job, also after a long poll that was woken. */
const checkMilliseconds = 3_000;
/** As in boot-script.ts. */
const claimMilliseconds = 180_000;
const heldMilliseconds = 15 * 60_000;
const ec2WaitMilliseconds = 60_000;
/** Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
const spotNoticeMilliseconds = 120_000;
/** As in runner-deadlines.ts. */
const functionWaitMilliseconds = 22_000;
const functionLifeMilliseconds = 15 * 60_000;
/**
 * How long a runner that pulls its job's image goes on after SIGTERM, and then ends without a word; and the host's
 * shutdown.
 */
const silentEndMilliseconds = 40_000;
/**
 * As in shell-runner-function.construct.ts; Lambda may notice it late, since it tries to start a function later and
 * later.
 */
const eventAgeMilliseconds = 5 * 60_000;
const latestNoticeMilliseconds = 60_000;

/** Hosts as boot.sh and the Lambda runner make them: claim one ticket, run one job, end. */
export function createHostsModel(options: HostsModelOptions) {
  const { time, faults, random, gitlab, claim } = options;
  const hosts: Host[] = [];
  let invocations = 0;

  function newHost(name: string, isAlive: () => boolean, among = hosts): Host {
    const host: Host = { name, token: null, systemId: null, job: null, lastAnswer: null, wasAnswered: false, isAlive };
    among.push(host);
    return host;
  }

  /** Runs gitlab-runner until it has run one job, or none came. False when GitLab never gave it one. */
  async function serve(host: Host, token: string, waitMilliseconds: number): Promise<boolean> {
    host.token = token;
    const until = time.now() + waitMilliseconds;
    let seen: number | null = null;
    while (host.isAlive()) {
      const answer = await gitlab.request({ token, systemId: host.systemId, seen });
      const { got } = answer;
      seen = answer.seen;
      host.lastAnswer = typeof got === 'object' ? 'job' : got;
      if (got !== 'down') host.wasAnswered = true;
      if (got === 'refused') {
        await time.sleep(5_000);
        return false;
      }
      if (typeof got === 'object') {
        await runJob(host, got);
        return true;
      }
      await time.sleep(checkMilliseconds + random.whole(10, 300));
      // Also after a long poll, which may have ended much later.
      if (time.now() >= until) return false;
    }
    return false;
  }

  /**
   * A host that had no job removes its runner, or itself from a long-lived one; after a job it leaves that to the
   * control plane.
   */
  function leave({ token, systemId }: Host, hadJob: boolean): void {
    if (token === null || hadJob) return;
    if (systemId === null) gitlab.removeByToken(token);
    else gitlab.removeManager(token, systemId);
  }

  async function runJob(host: Host, job: SimulatedJob): Promise<void> {
    host.job = job;
    options.onTaken(host);
    await new Promise<void>((over) => {
      job.onCancel = () => {
        if (host.isAlive()) gitlab.report(job, 'canceled');
        over();
      };
      time.after(job.plan.durationSeconds * 1_000, () => {
        if (host.isAlive() && host.job === job) void report(host, job, job.plan.result);
        over();
      });
    });
    while (host.isAlive() && !isOver(job) && job.status !== 'canceling') await time.sleep(2_000);
    host.job = null;
  }

  /** The runner reports the end of its job until GitLab hears it, for a minute or so. */
  async function report(host: Host, job: SimulatedJob, status: string, reason?: string): Promise<void> {
    for (let tries = 0; tries < 12 && host.isAlive(); tries += 1) {
      if (!gitlab.isDown()) return gitlab.report(job, status, reason);
      await time.sleep(6_000);
    }
    host.job = null;
  }

  async function runInstance(instance: SimulatedInstance): Promise<void> {
    const ec2 = options.ec2();
    const host = newHost(instance.id, () => lives(instance));
    if (faults.strike('boot-dead', ({ nth }) => nth === instance.nth)) return;
    const slow = faults.strike('boot-slow', ({ nth }) => nth === instance.nth);
    const boot = (slow?.seconds ?? random.whole(8, 25)) * 1_000;
    scheduleEnds(host, instance, boot);
    await time.sleep(boot);
    if (!host.isAlive()) return;
    instance.state = 'running';
    const ticket = await claimTicket(host, instance);
    if (ticket) {
      if (ticket.mode === 'manager') host.systemId = systemIdOf(instance.id);
      const hadJob = await serve(host, ticket.token, ec2WaitMilliseconds);
      if (host.isAlive()) leave(host, hadJob);
    }
    await time.sleep(1_000);
    ec2.end(instance);
  }

  async function claimTicket(host: Host, instance: SimulatedInstance) {
    let until = time.now() + claimMilliseconds;
    while (host.isAlive()) {
      const name = nameOfHost(instance.request.source.hostRoleId, instance.id);
      const found = claim(name, { kind: 'instance', name });
      if (found?.mode === 'held') until = time.now() + heldMilliseconds;
      const ticket = found?.token ? found : null;
      const lost = ticket && faults.strike('claim-lost', ({ nth }) => nth === instance.nth);
      if (ticket && !lost) return ticket;
      if (time.now() >= until) return null;
      // Twice a second in truth, which would only make this slower.
      await time.sleep(time.now() < until - claimMilliseconds + 5_000 ? 1_000 : 5_000);
    }
    return null;
  }

  /** What ends a host from outside: a spot reclaim with its warning, or a power cut. */
  function scheduleEnds(host: Host, instance: SimulatedInstance, boot: number): void {
    for (const { kind, seconds } of [...faults.all('spot-reclaimed'), ...faults.all('host-killed')].filter(
      ({ nth }) => nth === instance.nth,
    )) {
      time.after(boot + seconds * 1_000, () => {
        if (!host.isAlive()) return;
        faults.count(kind);
        if (kind === 'spot-reclaimed') options.onSpotWarning(instance.id);
        // With the warning the runner reports its job as interrupted; without a job the host unregisters.
        if (kind === 'spot-reclaimed' && host.job && !gitlab.isDown()) gitlab.report(host.job, 'failed');
        if (kind === 'spot-reclaimed') leave(host, host.job !== null);
        host.job = null;
        options.ec2().end(instance);
      });
    }
    const interrupted = faults.all('spot-interrupted').find(({ nth }) => nth === instance.nth);
    if (!interrupted || instance.request.lifecycle !== 'spot') return;
    time.after(boot + interrupted.seconds * 1_000, () => {
      if (!host.isAlive()) return;
      faults.count('spot-interrupted');
      options.onSpotWarning(instance.id);
      if (interrupted.isNoticed) time.after(random.whole(0, 5_000), () => stopInterrupted(host, instance));
      time.after(spotNoticeMilliseconds, () => {
        host.job = null;
        options.ec2().end(instance);
      });
    });
  }

  /**
   * A host that sees EC2's warning lets its job fail, or goes at once. While its runner pulls an image, that says
   * nothing to GitLab.
   */
  function stopInterrupted(host: Host, instance: SimulatedInstance): void {
    const { job } = host;
    if (!host.isAlive()) return;
    if (job?.status === 'running') {
      if (!gitlab.isDown()) options.onInterrupted(job, instance);
      if (random.chance(0.3)) endSilently(host, instance);
      else void report(host, job, 'failed', random.pick(['runner_interrupted', 'runner_system_failure']));
    } else if (!job) {
      leave(host, false);
      options.ec2().end(instance);
    }
  }

  /** Its job does nothing from now on, and GitLab believes that it runs. */
  function endSilently(host: Host, instance: SimulatedInstance): void {
    host.job = null;
    time.after(silentEndMilliseconds, () => {
      if (host.isAlive()) options.ec2().end(instance);
    });
  }

  /** An execution for a function, which Lambda has at once or within some minutes; null when it gives the event up. */
  async function waitForExecution(): Promise<(() => void) | null> {
    const until = time.now() + eventAgeMilliseconds;
    for (let wait = 1_000; ; wait *= 2) {
      const end = options.executions.beginJob();
      if (end) return end;
      if (time.now() >= until) {
        await time.sleep(random.whole(0, latestNoticeMilliseconds));
        return null;
      }
      await time.sleep(Math.min(wait, until - time.now()));
    }
  }

  async function runFunction(payload: LambdaRunnerPayload, nth: number): Promise<void> {
    const giveBack = await waitForExecution();
    if (!giveBack) return options.onFunctionFailed(payload, { condition: 'EventAgeExceeded' });
    let alive = true;
    const host = newHost(`function-${nth}`, () => alive);
    options.onStarted(host, payload);
    const end = () => {
      alive = false;
      host.job = null;
      giveBack();
    };
    const die = (errorType: InvocationEnd['errorType']) => {
      if (!alive) return;
      end();
      options.onFunctionFailed(payload, { condition: 'RetriesExhausted', ...(errorType ? { errorType } : {}) });
    };
    await time.sleep(random.whole(300, 6_000));
    if (faults.strike('function-failed', (fault) => fault.nth === nth)) return die('Runtime.ExitError');
    time.after(functionLifeMilliseconds, () => die('Sandbox.Timedout'));
    const killed = faults.all('function-killed').find((fault) => fault.nth === nth);
    if (killed) {
      time.after(killed.seconds * 1_000, () => {
        if (alive) faults.count('function-killed');
        die('Sandbox.Timedout');
      });
    }
    const ticket = claim(payload.ticketId, { kind: 'function', profile: functionsProfile });
    if (ticket && ticket.expiresAt * 1_000 > time.now()) {
      const hadJob = await serve(host, ticket.token, functionWaitMilliseconds);
      if (alive) leave(host, hadJob);
      if (!hadJob && host.lastAnswer === 'down') return die('GitLabUnreachableError');
    }
    end();
  }

  /** A host that its user keeps, for his long-lived runner or one of his own, and which takes a job now and then. */
  async function runOtherHost(token: string): Promise<void> {
    const host: Host = { ...newHost(otherHost, () => true, []), token, systemId: otherHost };
    for (;;) {
      await time.sleep(random.whole(2_000, 40_000));
      const { got } = await gitlab.request({ token, systemId: otherHost });
      if (typeof got === 'object') await runJob(host, got);
    }
  }

  return {
    hosts,
    runOtherHost(token: string): void {
      void runOtherHost(token);
    },
    boot(instance: SimulatedInstance): void {
      void runInstance(instance);
    },
    /** An asynchronous invocation: at least once. */
    invoke(payload: LambdaRunnerPayload): void {
      invocations += 1;
      const nth = invocations;
      void runFunction(payload, nth);
      // Lambda calls it failed only when no delivery of it works.
      const fails = faults.all('function-failed').some((fault) => fault.nth === nth);
      if (fails || !faults.strike('function-repeated', (fault) => fault.nth === nth)) return;
      time.after(random.whole(0, 60_000), () => void runFunction(payload, nth + 1_000));
    },
  };
}
