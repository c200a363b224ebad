import type * as z from 'zod/mini';
import { bindRunner } from '../../autoscaler/bind-runner/bind-runner.lambda.ts';
import type { RunnerToStop } from '../../autoscaler/end-runner/stop-runner-input.ts';
import type { ReconcilerMemory } from '../../autoscaler/reconcile/look/memory.ts';
import type { RunnersStore, RunnerUpdate, StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { launchInstances } from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { abandonRunner } from '../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { admitJob } from '../../autoscaler/start-runner/admit-job.lambda.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { registerRunner } from '../../autoscaler/start-runner/register-runner.lambda.ts';
import type { admitJobInput } from '../../autoscaler/start-runner/start-runner-input.ts';
import { drainRunner } from '../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { findRunner } from '../../autoscaler/stop-runner/find-runner.lambda.ts';
import { releaseRunner } from '../../autoscaler/stop-runner/release-runner.lambda.ts';
import { readJobHook } from '../../infrastructure/ingest/job-hook.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import type { RunnerTicket } from '../../infrastructure/kit/runner-ticket.ts';
import { type AllPorts, type Composition, realComposition } from './composition.ts';
import { gateMutants } from './gate-mutants.ts';
import { lieMutants } from './lie-mutants.ts';
import { type LambdaWork, withLambdas, withPorts, withStore } from './plant-bug.ts';
import { troubleMutants } from './trouble-mutants.ts';

type LongLivedPort = NonNullable<AllPorts['longLived']>;
type Context = Parameters<LambdaWork>[2];

/** Ports in which long-lived runners, where there are any, are changed. */
function withLongLived(change: (longLived: LongLivedPort) => Partial<LongLivedPort>): (ports: AllPorts) => AllPorts {
  return (ports) =>
    ports.longLived ? { ...ports, longLived: { ...ports.longLived, ...change(ports.longLived) } } : ports;
}

const seesNothingAlive = () => ({ readLive: async () => [], readLiveOf: async () => [] });
const movesCounter = ({ kind }: StoreWrite) => kind === 'take-place' || kind === 'give-place-back';
const withoutLook = { pauseRunner: async () => false, jobsOf: async () => [] };

/** Whether a part gives a place back that was taken in this shard. */
const isInShard = (part: StoreWrite, shard: number) =>
  part.kind === 'give-place-back' && part.cap.counter.startsWith(`shard#${shard}#`);

let tokens = 0;

/** Bugs that this system could have; the simulation must find each. */
export const mutants: Readonly<Record<string, Composition>> = {
  'a job is admitted without a claim': withLambdas({
    admitJob: (input, ports, context) => admitJob(input, withStore(blindStore)(ports), context),
  }),
  'launches have no ClientToken of their group': withPorts((ports) => ({
    ...ports,
    instances: {
      ...ports.instances,
      launch: (request, token) => {
        tokens += 1;
        return ports.instances.launch(request, `${token}-${tokens}`);
      },
    },
  })),
  'a runner is stopped without a drain': withLambdas({
    drainRunner: (input, ports, context) =>
      drainRunner(input, { ...ports, gitlab: { ...ports.gitlab, ...withoutLook } }, context),
  }),
  'counters move outside the transaction': withPorts(
    withStore((store) => ({
      async write(...parts) {
        await store.write(...parts.filter((part) => !movesCounter(part)));
        for (const part of parts.filter(movesCounter)) await store.write(part);
      },
    })),
  ),
  'a ticket can be read twice': {
    ...realComposition,
    claim:
      (_, { tickets }) =>
      (id) =>
        tickets.get(id) ?? null,
  },
  'a created job starts a runner': {
    ...withLambdas({
      chooseRunner: (input, ports, context) =>
        chooseRunner(input, { ...ports, gitlab: { ...ports.gitlab, readJob: readCreatedAsPending(ports) } }, context),
    }),
    readHook: (body, arrival) => {
      const { build_status: status } = body as { readonly build_status: string };
      return readJobHook({ ...(body as object), build_status: status === 'created' ? 'pending' : status }, arrival);
    },
  },
  'a hook that says created is believed, although the pipeline runs': {
    ...realComposition,
    readHook: (body, arrival) => {
      const { build_status: status } = body as { readonly build_status: string };
      return readJobHook(status === 'created' ? { ...(body as object), commit: null } : body, arrival);
    },
  },
  'a hook that says running of a job that nobody runs is believed': withLambdas({
    chooseRunner: async (input: JobEvent, ports: AllPorts, context: Context) =>
      input.status === 'running' && input.runnerId === null
        ? { decision: 'IGNORE', reason: 'the job is running' }
        : chooseRunner(input, ports, context),
  } as never),
  'a job that is about to wait is not looked at again': withLambdas({
    chooseRunner: async (input, ports, context) => {
      const answer = await chooseRunner(input, ports, context);
      return answer.decision === 'LOOK_AGAIN' ? { ...answer, decision: 'IGNORE' } : answer;
    },
  }),
  'a hook that says that a job is over is believed': withLambdas({
    findRunner: (input, ports, context) =>
      findRunner(input, { ...ports, jobs: { readJob: async () => null } }, context),
  }),
  'the runner that a payload names is believed': withLambdas({
    findRunner: stopWhatThePayloadNames,
    drainRunner: (input: RunnerToStop, ports: AllPorts, context: Context) =>
      drainRunner(
        input,
        input.reason === 'payload' ? { ...ports, gitlab: { ...ports.gitlab, ...withoutLook } } : ports,
        context,
      ),
  } as never),
  'as many messages come again as failed, but not those': withLambdas({
    launchInstances: async (input, ports, context) => {
      const { batchItemFailures } = await launchInstances(input, ports, context);
      const { Records } = input as { readonly Records: readonly { readonly messageId: string }[] };
      return {
        batchItemFailures: Records.slice(0, batchItemFailures.length).map(({ messageId }) => ({
          itemIdentifier: messageId,
        })),
      };
    },
  }),
  'an abandoned attempt keeps its places': withLambdas({
    abandonRunner: (input, ports, context) =>
      abandonRunner(
        input,
        withStore((store) => ({
          write: (...parts) => store.write(...parts.filter(({ kind }) => kind !== 'give-place-back')),
        }))(ports),
        context,
      ),
  }),
  'places in one shard of a wide cap are lost': withPorts(
    withStore((store) => ({ write: (...parts) => store.write(...parts.filter((part) => !isInShard(part, 5))) })),
  ),
  'nobody tells the job that waits for a place': withLambdas({
    releaseRunner: async (input, ports, context) => {
      await releaseRunner(input, ports, context);
      return { next: [] };
    },
  }),
  'a dissolved launch group is found again': withLambdas({
    launchInstances: (input, ports, context) => launchInstances(input, { ...ports, randomId: () => 'group' }, context),
  }),
  'a cap is looked at, but not claimed': withPorts(
    withStore((store) => ({
      async write(...parts) {
        const caps = parts.flatMap((part) => (part.kind === 'take-place' ? [part.cap] : []));
        const taken = await store.placesTaken(caps.map(({ counter }) => counter));
        const isFull = caps.some(({ counter, limit }) => (taken.get(counter) ?? 0) >= limit);
        const unlimited = (part: StoreWrite): StoreWrite =>
          part.kind === 'take-place' ? { ...part, cap: { ...part.cap, limit: Number.POSITIVE_INFINITY } } : part;
        return store.write(...(isFull ? parts : parts.map(unlimited)));
      },
    })),
  ),
  'a token leaves RegisterRunner': withLambdas({
    registerRunner: async (input, ports, context) => {
      const { runnerId, ticketId } = await registerRunner(input, ports, context);
      return { runnerId, ticketId, token: (await ports.store.readTicket(ticketId))?.token };
    },
  }),
  'an abandoned runner stays in GitLab': withLambdas({
    abandonRunner: (input, ports, context) =>
      abandonRunner(input, { ...ports, gitlab: { ...ports.gitlab, removeRunner: async () => true } }, context),
  }),
  'a runner is bound to the job that it was made for': withPorts(
    withStore((store) => ({
      write: (...parts) => store.write(...parts.map((part) => (part.kind === 'update' ? bindToOwnJob(part) : part))),
    })),
  ),
  'nobody misses the runner that another job took': withLambdas({
    chooseRunner: (input, ports, context) =>
      chooseRunner(input, { ...ports, gitlab: { ...ports.gitlab, readJob: withoutRunner(ports) } }, context),
    bindRunner: (input, ports, context) => bindRunner(input, { ...ports, bus: { tell: async () => {} } }, context),
  }),
  'the job that counted on the idle runner of another one is forgotten': withLambdas({
    bindRunner: (input, ports, context) => bindRunner(input, withStore(seesNothingAlive)(ports), context),
    releaseRunner: (input, ports, context) => releaseRunner(input, withStore(seesNothingAlive)(ports), context),
  }),
  'the reconciler acts on one look': withPorts((ports) => ({
    ...ports,
    memory: {
      ...ports.memory,
      readMemory: async () => ({ ...(await ports.memory.readMemory()), suspicions: suspectEverything(ports.now()) }),
    },
  })),
  'the reconciler does not look for runners that nobody accounts for': withPorts((ports) => ({
    ...ports,
    gitlab: { ...ports.gitlab, ownRunners: async () => [] },
  })),
  'the reconciler does not ask for pending jobs': withPorts((ports) => ({
    ...ports,
    gitlab: { ...ports.gitlab, pendingJobs: async () => [] },
  })),
  'the reconciler takes jobs of other runners for lost': withLambdas({
    reconcile: (input, ports, context) =>
      realComposition.lambdas.reconcile.work(input, { ...ports, ...everyJobIsOurs }, context),
  }),
  'a host of a long-lived runner is ended on a look alone': withPorts(
    withLongLived((longLived) => ({
      async isGone(instanceId) {
        // The look is a second or two old by then: else the bug would strike in one of a thousand schedules.
        for (let asked = 0; asked < 50; asked += 1) await longLived.isGone(instanceId);
        return true;
      },
    })),
  ),
  'a long-lived runner is paused when one of its hosts is drained': withLambdas({
    drainRunner: async (found: RunnerToStop, ports: AllPorts, context: Context) => {
      const item = await ports.store.read(found.job);
      if (item?.managerOf !== undefined) await ports.gitlab.pauseRunner(item.managerOf);
      return drainRunner(found, ports, context);
    },
  } as never),
  'a host of a long-lived runner is not told that it is one of many': {
    ...realComposition,
    claim: (claim) => (id, asker) => {
      const { mode: _, ...ticket } = claim(id, asker) ?? {};
      return 'token' in ticket ? (ticket as RunnerTicket) : null;
    },
  },
  'the hosts of a long-lived runner stay in GitLab': withPorts(withLongLived(() => ({ remove: async () => true }))),
  'nobody asks which host of a long-lived runner has a job': withLambdas({
    bindRunner: (input, ports, context) => bindRunner(input, withoutHosts(ports), context),
    findRunner: (input, ports, context) => findRunner(input, withoutHosts(ports), context),
  }),
  'a job stays where it failed, whatever its mapping says': withLambdas({
    admitJob: (input, ports, context) => {
      const { choice, ...rest } = input as z.output<typeof admitJobInput>;
      return admitJob({ ...rest, choice: { ...choice, fallback: undefined } }, ports, context);
    },
  }),
  'a function is invoked for no project': withLambdas({
    chooseRunner: async (input, ports, context) => {
      const decision = await chooseRunner(input, ports, context);
      if (decision.decision !== 'LAUNCH') return decision;
      const { tenantId: _, ...choice } = decision.choice;
      return { ...decision, choice };
    },
  }),
  'the retry of an interrupted job gets spot capacity': withLambdas({
    admitJob: (input, ports, context) => admitJob(input, { ...ports, marks: { claim: async () => false } }, context),
  }),
  'nobody looks at how an interrupted job ended': withLambdas({
    findRunner: async (input, ports, context) => ({ ...(await findRunner(input, ports, context)), mend: null }),
  }),
  'an interrupted job is retried as often as it is asked for': withPorts((ports) => ({
    ...ports,
    marks: {
      ...ports.marks,
      mark: async (job, because) => {
        await ports.marks.mark(job, because);
        return true;
      },
    },
  })),
  ...troubleMutants,
  ...gateMutants,
  ...lieMutants,
};

const everyJobIsOurs = {
  mappings: { read: async () => ({ mappings: [], invalid: [] }) },
  offer: { profiles: {}, defaultRunner: { type: 'EC2', profile: 'default' } },
} as const;

/** A memory in which everything has looked wrong once before. */
function suspectEverything(now: number): ReconcilerMemory['suspicions'] {
  const before = { since: 0, lastLook: now - 60_000, looks: 1, tries: 0, lastTry: 0 };
  return new Proxy({}, { get: () => before });
}

/** A store that sees no item, and writes over whatever is there. */
function blindStore(store: RunnersStore): Partial<RunnersStore> {
  return {
    read: async () => null,
    async write(...parts) {
      const blind = parts.map(async (part) =>
        part.kind === 'put' ? { ...part, over: await store.read(part.item.pk) } : part,
      );
      return store.write(...(await Promise.all(blind)));
    },
  };
}

function readCreatedAsPending({ gitlab }: AllPorts): AllPorts['gitlab']['readJob'] {
  return async (projectId, jobId) => {
    const job = await gitlab.readJob(projectId, jobId);
    return job?.status === 'created' ? { ...job, status: 'pending' } : job;
  };
}

function withoutRunner({ gitlab }: AllPorts): AllPorts['gitlab']['readJob'] {
  return async (projectId, jobId) => {
    const job = await gitlab.readJob(projectId, jobId);
    return job && { ...job, runnerId: null };
  };
}

function withoutHosts(ports: AllPorts): AllPorts {
  return { ...ports, gitlab: { ...ports.gitlab, readJob: async () => null } };
}

async function stopWhatThePayloadNames(event: JobEvent, ports: AllPorts, context: Context) {
  const { runners } = await findRunner(event, ports, context);
  const item = event.runnerId === null ? null : await ports.store.readByRunnerId(event.runnerId);
  if (!item) return { runners };
  const { pk: job, attempt, type, runnerId = null, instanceId = null } = item;
  return { runners: [{ job, attempt, type, runnerId, instanceId, reason: 'payload' }] };
}

function bindToOwnJob(update: RunnerUpdate): RunnerUpdate {
  return update.set?.takenJob ? { ...update, set: { ...update.set, takenJob: update.job } } : update;
}
