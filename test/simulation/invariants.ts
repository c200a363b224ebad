import { isHeld } from '../../autoscaler/runner-store/held.ts';
import { attemptsUsed, type Cap, type RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { placeOf } from '../../autoscaler/runner-store/wide-caps.ts';
import { launchGroupTag, profileTag } from '../../autoscaler/runner-types/ec2/instance-tags.ts';
import { reserveOf } from '../../autoscaler/runner-types/lambda/lambda-limit.ts';
import { type JobKey, jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { LambdaRunnerPayload } from '../../infrastructure/kit/runner-ticket.ts';
import { tokenWord } from '../support/in-memory-gitlab.ts';
import { createAttemptsWatch } from './attempts-watch.ts';
import { lives, type SimulatedInstance } from './ec2-model.ts';
import type { GitLabModel } from './gitlab-model.ts';
import { type Host, otherHost } from './hosts-model.ts';
import { createKeptPlacesWatch } from './kept-places-watch.ts';
import { isOver, type SimulatedJob } from './simulated-job.ts';
import { createTruthWatch } from './truth-watch.ts';
import type { Watched } from './watched.ts';

/** What must hold, whatever happens; the numbers are those of the design. */
export type Violation = { readonly invariant: string; readonly what: string };

const placeHolding = ['ADMITTED', 'REGISTERED', 'LAUNCHED', 'RUNNING', 'STOPPING'];
/**
 * A job that waits for a person, whom there is none here: to give a long-lived runner another tag, say. Its item says
 * so.
 */
const waitsForPerson = ({ state, waitedFor, waitsFor = waitedFor }: RunnerItem) =>
  ['WAITING', 'ADMITTED'].includes(state) && waitsFor?.error === 'LongLivedRunnerError';

/** Watches a run. `violation` is the first one. */
export function createInvariants(watched: () => Watched) {
  let violation: Violation | null = null;
  let changed = false;
  const attempts = createAttemptsWatch({ fail, limits: watched });
  const keptPlaces = createKeptPlacesWatch(fail);
  const truth = createTruthWatch({ fail, watched });
  /** Which attempts each group was to launch. */
  const groups = new Map<string, string[]>();
  const runnersOf = new Map<number, { readonly attempt: string; readonly caps: readonly Cap[] }>();
  /** Jobs that a spot interruption ended, whose profile says that they are retried, and the instance of each. */
  const interrupted: { readonly job: SimulatedJob; readonly instanceId: string }[] = [];
  /** As `runnersOf`, for hosts of long-lived runners, by instance. */
  const managersOf = new Map<string, { readonly attempt: string; readonly caps: readonly Cap[] }>();

  function fail(invariant: string, what: string): void {
    violation ??= { invariant, what };
  }

  /** Looks for a token where none may be. */
  function scan(where: string, content: unknown): void {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    if (text?.includes(tokenWord)) fail('5 no token elsewhere', `a token is in ${where}: ${text.slice(0, 300)}`);
  }

  return {
    get violation() {
      return violation;
    },
    fail,
    touch(): void {
      changed = true;
    },
    scan,
    sawWrite(parts: readonly StoreWrite[]): void {
      changed = true;
      const { tables, gitlab, hosts, maxAttempts } = watched();
      for (const part of parts) {
        if (part.kind !== 'put' && part.kind !== 'update') continue;
        const key = part.kind === 'put' ? part.item.pk : part.job;
        const item = tables.items.get(key) as RunnerItem;
        if (part.kind === 'update' && part.set?.launchGroup) {
          const { id } = part.set.launchGroup;
          groups.set(id, [...(groups.get(id) ?? []), `${key} attempt ${item.attempt}`]);
        }
        if (part.kind === 'update' && part.set?.runnerId !== undefined) {
          runnersOf.set(part.set.runnerId, { attempt: `${key} attempt ${item.attempt}`, caps: item.caps });
        }
        if (part.kind === 'update' && part.set?.instanceId !== undefined && item.managerOf !== undefined) {
          managersOf.set(part.set.instanceId, { attempt: `${key} attempt ${item.attempt}`, caps: item.caps });
        }
        if (part.kind === 'update' && part.set?.instanceId !== undefined) checkRetry(item, part.set.instanceId);
        // A host that is held has no token to start a runner with.
        const getsToken = part.kind === 'update' && (part.set?.instanceId ?? part.set?.turnAt) !== undefined;
        if (getsToken && item.instanceId !== undefined && !isHeld(item)) {
          const host = hosts.find(({ name }) => name === item.instanceId);
          if (host) attempts.sawStarted(key, item.attempt, host);
        }
        attempts.sawItem(item);
        truth.sawItem(item);
        if (item.state === 'ADMITTED') {
          checkFallback(item);
          const job = gitlab.jobs.get(item.event.jobId);
          if (attemptsUsed(item) > maxAttempts)
            fail('1 at most maxAttempts', `${key} begins attempt ${item.attempt}, of ${maxAttempts}`);
          if (!job || job.pendingAt === null) fail('2 for pending jobs', `${key} gets a runner and was never pending`);
        }
      }
      scan(
        'the runners table',
        parts.filter((part) => part.kind !== 'put-ticket'),
      );
    },
    /** A function is invoked; `tenantId`: whose execution environment it has, if it is anybody's. */
    sawInvocation(functionArn: string, { job }: LambdaRunnerPayload, tenantId: string | null): void {
      truth.sawTold(job);
      const profile = Object.values(watched().settings.profiles).find((one) => one.functionArn === functionArn);
      const wanted = profile?.isolateProjects ? `project-${job.projectId}` : null;
      if (tenantId !== wanted)
        fail('9 projects are kept apart', `the function of job ${job.jobId} runs for ${tenantId}, not for ${wanted}`);
    },
    /** A function begins to work for an attempt. */
    sawStarted(host: Host, { job, attempt }: LambdaRunnerPayload): void {
      attempts.sawStarted(jobKeyOf(job), attempt, host);
    },
    /** A function of the control plane gets no execution; so many of all are those of jobs. */
    sawStarved(functions: number): void {
      if (functions > watched().mostFunctions)
        fail(
          '6 executions are left for the control plane',
          `${functions} functions run jobs, and none is left for others`,
        );
    },
    /** Just before the control plane terminates an instance. */
    sawTermination(instance: SimulatedInstance): void {
      const { hosts, gitlab } = watched();
      const host = hosts.find(({ name }) => name === instance.id);
      const mayBeKnown = !gitlab.removedByHand.has(runnerIdOf(host?.token));
      const works = host?.job?.status === 'running' || host?.job?.status === 'canceling';
      if (works && mayBeKnown)
        fail('4 no job loses its host', `${instance.id} is terminated while job ${host.job?.id} runs on it`);
    },
    /** The reconciler asked for the runner of a job that it took for lost. */
    sawJobStarted(jobId: number | undefined): void {
      const { gitlab, isOurs } = watched();
      const job = gitlab.jobs.get(jobId ?? 0);
      if (!job || !isOurs(job)) fail('2 for jobs of ours', `job ${jobId} is asked for, which is left to other runners`);
    },
    /** Somebody changed a runner that a user made. */
    sawMeddling: (what: string): void => fail('7 a long-lived runner stays as its user made it', what),
    /** Our control plane cancels a job. */
    sawCancel: truth.sawCancel,
    /** A host ended its job because EC2 takes it back. */
    sawInterrupted(job: SimulatedJob, { id: instanceId, request }: SimulatedInstance): void {
      if (watched().retriedProfiles.includes(request.tags[profileTag] ?? '')) interrupted.push({ job, instanceId });
    },
    /** An interrupted job is retried. */
    sawRetry(retry: SimulatedJob): void {
      const others = [...watched().gitlab.jobs.values()].filter(
        (job) => job !== retry && job.retryOf && job.plan.index === retry.plan.index,
      );
      if (others.length > 0) fail('8 one retry is all', `job ${retry.id} is the next one after job ${others[0]?.id}`);
    },
    /** A runner took a job. */
    sawTaken({ token }: Host, job: SimulatedJob): void {
      const { longestWaitSeconds, troubleEndsAt, isOurs, tables } = watched();
      const runner = [...tables.items.values()].find(({ runnerId }) => runnerId === runnerIdOf(token));
      // A function of which this was decided before it had a runner has a second or two more.
      if (runner && isHeld(runner) && (runner.type === 'EC2' || runner.pausedAt !== undefined))
        fail('7 who is held asks for nothing', `the runner of ${runner.pk} took job ${job.id}`);
      const item = tables.items.get(keyOf(job));
      // Who waits for a person may have the luck of another job's runner.
      if (item && waitsForPerson(item)) return;
      const seconds = ((job.startedAt ?? 0) - Math.max(job.pendingAt ?? 0, troubleEndsAt)) / 1_000;
      if (seconds > longestWaitSeconds && isOurs(job))
        fail('2 a runner in time', `job ${job.id} waited for ${seconds} s although nothing goes wrong any more`);
    },
    /** GitLab gives up a job that nobody came for. */
    sawStuck(job: SimulatedJob): void {
      const { tables, isOurs, maxAttempts } = watched();
      if (!isOurs(job)) return;
      const item = tables.items.get(keyOf(job));
      const isFull = item?.caps.some(({ counter, limit }) => (tables.counters.get(counter) ?? 0) >= limit);
      // Also a job whose runner serves another one has no place until that one is over.
      if (isFull && (item?.state === 'WAITING' || item?.takenJob !== undefined)) return;
      // Nor may one have that shares its places with jobs that only a person can help, each of which tries again and
      // again.
      const sharesWith = ({ caps }: RunnerItem) =>
        caps.some(({ counter }) => item?.caps.some((cap) => cap.counter === counter));
      const isContested =
        item?.state === 'WAITING' && [...tables.items.values()].some((one) => waitsForPerson(one) && sharesWith(one));
      if (item && (waitsForPerson(item) || isContested)) return;
      const isFinal = item && attemptsUsed(item) >= maxAttempts && attempts.failuresOf(item.pk) >= maxAttempts;
      if (item?.state === 'FAILED' && isFinal) return;
      const why = item?.waitsFor
        ? `${item.waitsFor.error}, looks ${item.waitsFor.looks}`
        : (item?.failure ?? 'no failure');
      const seen = item ? `${item.state} at attempt ${item.attempt} (${why})` : 'unknown';
      fail('2 a runner or a visible failure', `job ${job.id} waited for an hour; its item is ${seen}`);
    },
    check(): void {
      if (!changed || violation) return;
      changed = false;
      const { tables, ec2, hosts, settings, isOrderly, now } = watched();
      const items = [...tables.items.values()];
      if (isOrderly) keptPlaces.check(items, tables.counters, now());
      checkFunctions(hosts, settings.lambdaLimit);
      checkCounters(items, tables.counters);
      checkLaunches([...ec2.instances.values()].filter(lives));
      checkHosts(hosts.filter((host) => host.isAlive() && host.token !== null));
    },
    checkEnd(): void {
      if (violation) return;
      const { tables, gitlab, ec2, hosts, mostRefusals } = watched();
      const most = mostRefusals(gitlab.jobs.size);
      if (gitlab.refusals() > most)
        fail('8 who is away is left alone', `GitLab refused ${gitlab.refusals()} calls, and ${most} are enough`);
      const items = [...tables.items.values()];
      const left = [
        ...[...gitlab.jobs.values()]
          .filter((job) => !isOver(job) && job.plan.pendingAt !== null)
          .map(({ id, status }) => `job ${id} (${status})`),
        ...[...ec2.instances.values()].filter(lives).map(({ id }) => `instance ${id}`),
        ...hosts.filter((host) => host.isAlive()).map(({ name }) => `host ${name}`),
        ...gitlab.runnersOfJobs().map(({ id, note }) => `GitLab runner ${id} (${note})`),
        ...[...gitlab.runners.values()].flatMap(({ id, managers }) =>
          [...(managers ?? [])]
            .filter((one) => one !== otherHost)
            .map((one) => `manager ${one} of GitLab runner ${id}`),
        ),
        ...[...tables.tickets.keys()].map((id) => `ticket ${id}`),
        ...[...tables.counters].filter(([, count]) => count !== 0).map(([name, count]) => `counter ${name}=${count}`),
        ...items
          .filter(({ live }) => live)
          .map(({ pk, state, jobState }) => `live item ${pk} (${state}, job ${jobState})`),
      ];
      if (left.length > 0) fail('3 nothing is left', left.join(', '));
      const forgotten = interrupted.filter(
        ({ job, instanceId }) =>
          // A runner's item forgets it when its own job, for which it was made, gets the next one: EC2's warning may
          // come later.
          !job.isUnwanted &&
          !job.retriedAs &&
          !hasRetry(job, gitlab) &&
          items.some((item) => item.instanceId === instanceId),
      );
      if (watched().onlyInterrupted && forgotten.length > 0)
        fail('8 an interrupted job is retried', `not so ${forgotten.map(({ job }) => `job ${job.id}`).join(', ')}`);
    },
  };

  /** Where a function failed, the next attempt is where its mapping says. */
  function checkFallback(item: RunnerItem): void {
    const { target } = watched().settings.mappings.find(({ id }) => id === item.mapping) ?? {};
    const fallback = target?.type === 'LAMBDA' ? target.fallbackProfile : undefined;
    // A stand-in, which is made in the name of a job that runs, is where the one waits for whom it is made.
    if (item.jobState !== 'PENDING' || fallback === undefined) return;
    if (attemptsUsed(item) === 1 || item.profile === fallback) return;
    fail('9 a fallback is used', `attempt ${item.attempt} of ${item.pk} is one of ${item.profile}, not of ${fallback}`);
  }

  /** What was interrupted once is not launched on capacity that may be interrupted again. */
  function checkRetry({ pk, event, jobState }: RunnerItem, instanceId: string): void {
    const { gitlab, ec2 } = watched();
    const lifecycle = ec2.instances.get(instanceId)?.request.lifecycle;
    const isRetry = gitlab.jobs.get(event.jobId)?.retryOf && jobState === 'PENDING';
    if (isRetry && lifecycle === 'spot')
      fail('8 a retry is not interrupted', `${pk} gets the spot instance ${instanceId}`);
  }

  /** A counter is nothing but the number of items that hold a place under it. */
  function checkCounters(items: readonly RunnerItem[], counters: ReadonlyMap<string, number>): void {
    const held = new Map<string, number>();
    // An item keeps the limit that it was admitted under: one that was raised since counts for those that came then.
    const limits = new Map<string, number>();
    for (const { state, caps } of items) {
      if (!placeHolding.includes(state)) continue;
      // A wide cap is counted in shards, each of which has its part of the limit.
      for (const { counter, limit } of caps.map(placeOf)) {
        held.set(counter, (held.get(counter) ?? 0) + 1);
        limits.set(counter, Math.max(limits.get(counter) ?? 0, limit));
      }
    }
    for (const [counter, count] of held) {
      const limit = limits.get(counter) ?? 0;
      if (count > limit) fail('6 caps are kept', `${count} runners under ${counter}, which allows ${limit}`);
    }
    for (const counter of new Set([...held.keys(), ...counters.keys()])) {
      const [count, said] = [held.get(counter) ?? 0, counters.get(counter) ?? 0];
      if (count !== said) fail('3 counters do not drift', `${counter} is ${said}, and ${count} items hold a place`);
    }
  }

  /**
   * Every instance that lives must be the one of another attempt. Source: https://en.wikipedia.org/wiki/Augmenting_path
   */
  function checkLaunches(instances: readonly SimulatedInstance[]): void {
    const owner = new Map<string, SimulatedInstance>();
    const place = (instance: SimulatedInstance, tried: Set<string>): boolean =>
      (groups.get(instance.request.tags[launchGroupTag] ?? '') ?? []).some((attempt) => {
        if (tried.has(attempt)) return false;
        tried.add(attempt);
        const rival = owner.get(attempt);
        if (rival && !place(rival, tried)) return false;
        owner.set(attempt, instance);
        return true;
      });
    for (const instance of instances) {
      if (place(instance, new Set())) continue;
      const group = instance.request.tags[launchGroupTag] ?? '';
      fail(
        '1 one live launch per attempt',
        `${instance.id} of group ${group} (${groups.get(group)?.join(', ')}) is too many`,
      );
    }
  }

  /** Ingest and control plane run as functions too: jobs may not take all that the account allows. */
  function checkFunctions(hosts: readonly Host[], limit: number | undefined): void {
    if (limit === undefined) return;
    const working = hosts.filter(({ name, job }) => name.startsWith('function-') && job?.status === 'running').length;
    const left = limit - working;
    if (left < reserveOf(limit))
      fail('6 executions are left for the control plane', `${working} jobs leave ${left} of ${limit}`);
  }

  /** Hosts that hold tokens: each of another attempt, and no more jobs at once than the caps allow. */
  function checkHosts(hosts: readonly Host[]): void {
    const attempts = new Map<string, string>();
    const running = new Map<string, number>();
    const limits = new Map<string, number>();
    for (const { name, token, systemId, job } of hosts) {
      const runner = systemId ? managersOf.get(name) : runnersOf.get(runnerIdOf(token));
      if (!runner) continue;
      const other = attempts.get(runner.attempt);
      if (other) fail('1 one live launch per attempt', `${name} and ${other} both hold the token of ${runner.attempt}`);
      attempts.set(runner.attempt, name);
      if (job?.status !== 'running') continue;
      for (const { counter, limit } of runner.caps) {
        running.set(counter, (running.get(counter) ?? 0) + 1);
        limits.set(counter, Math.max(limits.get(counter) ?? 0, limit));
      }
    }
    for (const [counter, count] of running) {
      const limit = limits.get(counter) ?? 0;
      if (count > limit) fail('6 caps are kept', `${count} jobs run under ${counter}, which allows ${limit}`);
    }
  }
}

function keyOf({ plan, id }: SimulatedJob): JobKey {
  return jobKeyOf({ projectId: plan.projectId, jobId: id });
}

function runnerIdOf(token: string | null | undefined): number {
  return Number(token?.split('-').at(-1));
}

/** Also of a job that was repeated for another reason. */
function hasRetry({ plan }: SimulatedJob, gitlab: GitLabModel): boolean {
  return [...gitlab.jobs.values()].some((job) => job.retryOf && job.plan.index === plan.index);
}

export type Invariants = ReturnType<typeof createInvariants>;
