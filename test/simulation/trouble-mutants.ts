import type { reconcile } from '../../autoscaler/reconcile/reconcile.lambda.ts';
import { functionFailed } from '../../autoscaler/runner-store/runner-errors.ts';
import type { RunnerItem } from '../../autoscaler/runner-store/runner-item.ts';
import type { StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { abandonRunner } from '../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { registerRunner } from '../../autoscaler/start-runner/register-runner.lambda.ts';
import { GitLabLimitError, GitLabUnavailableError } from '../../infrastructure/gitlab/gitlab-errors.ts';
import { type AllPorts, type Composition, realComposition } from './composition.ts';
import { withLambdas, withPorts, withStore } from './plant-bug.ts';

/** Bugs in what becomes of jobs when something is in the way that is no fault of their runners. */
export const troubleMutants: Readonly<Record<string, Composition>> = {
  'whatever keeps a runner from being started costs an attempt': withLambdas({
    abandonRunner: (input, ports, context) =>
      abandonRunner(
        input,
        withStore((store) => ({ read: async (job) => asStarted(await store.read(job)) }))(ports),
        context,
      ),
  }),
  'a function that was never started costs an attempt': asFailedFunction('LambdaRunnerNotStarted'),
  'a function that could not reach GitLab costs an attempt': asFailedFunction('LambdaRunnerCutOff'),
  'nobody notes that GitLab is away': withPorts((ports) => ({
    ...ports,
    outages: { ...ports.outages, note: async () => {} },
  })),
  'an attempt that failed by itself costs nothing': withPorts((ports) => ({
    ...ports,
    outages: { ...ports.outages, lastSeen: async () => Number.MAX_SAFE_INTEGER },
  })),
  'nobody looks at a waiting job again': withLambdas({
    abandonRunner: async (input, ports, context) => {
      const abandoned = await abandonRunner(input, ports, context);
      return abandoned.failure ? abandoned : { ...abandoned, retry: null };
    },
    reconcile: (input, ports, context) => reconcileWith(withoutLooks(ports), input, context),
  }),
  'the reconciler never looks at a waiting job': withLambdas({
    reconcile: (input, ports, context) => reconcileWith(withoutLooks(ports), input, context),
  }),
  'waiting jobs are looked at while GitLab is away': withLambdas({
    reconcile: (input, ports, context) => reconcileWith({ ...ports, gitlab: withOtherErrors(ports) }, input, context),
  }),
  'a limit of GitLab is met again and again at once': withLambdas({
    registerRunner: async (input, ports, context) => {
      for (let tries = 1; ; tries += 1) {
        try {
          return await registerRunner(input, ports, context);
        } catch (error) {
          if (!(error instanceof GitLabLimitError) || tries >= 20) throw error;
        }
      }
    },
  }),
  'attempts that were excused are forgotten': withPorts(withWrites(without('excusedAttempts'))),
  'an attempt that was given up has its number used again': withPorts(withWrites(without('attemptBegun'))),
  'a job that waits keeps its places': withPorts(
    withStore((store) => ({
      write: (...parts) =>
        store.write(...parts.filter(({ kind }) => kind !== 'give-place-back' || !parts.some(isPutToWait))),
    })),
  ),
};

function asFailedFunction(error: string): Composition {
  return withLambdas({
    abandonRunner: (input, ports, context) => {
      const told = input as { readonly error: string };
      return abandonRunner(
        {
          ...(input as Parameters<typeof abandonRunner>[0]),
          ...(told.error === error ? { error: functionFailed } : {}),
        },
        ports,
        context,
      );
    },
  });
}

/** As if a runner had been started for the attempt. */
function asStarted(item: RunnerItem | null): RunnerItem | null {
  return item && { ...item, launchedAt: item.launchedAt ?? item.admittedAt };
}

function withoutLooks(ports: AllPorts): AllPorts {
  const later = '9999-01-01T00:00:00.000Z';
  const put = (item: RunnerItem) => (item.waitsFor ? { ...item, waitsFor: { ...item.waitsFor, lookAt: later } } : item);
  return withStore((store) => ({ readLive: async () => (await store.readLive()).map(put) }))(ports);
}

const reconcileWith = (ports: AllPorts, input: unknown, context: Parameters<typeof reconcile>[2]) =>
  realComposition.lambdas.reconcile.work(input, ports, context);

/** GitLab whose absence is noted, and then taken for any other error. */
function withOtherErrors({ gitlab, outages, now }: AllPorts): AllPorts['gitlab'] {
  const calls = Object.entries(gitlab).map(([name, call]: [string, unknown]) => [
    name,
    async (...args: readonly unknown[]) => {
      try {
        return await (call as (...args: readonly unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        if (!(error instanceof GitLabUnavailableError)) throw error;
        await outages.note(now());
        throw new Error(error.message);
      }
    },
  ]);
  return Object.fromEntries(calls);
}

function withWrites(change: (part: StoreWrite) => StoreWrite): (ports: AllPorts) => AllPorts {
  return withStore((store) => ({ write: (...parts) => store.write(...parts.map(change)) }));
}

/** Items and updates without one of their parts. */
function without(part: 'excusedAttempts' | 'attemptBegun') {
  return (write: StoreWrite): StoreWrite => {
    if (write.kind === 'put') {
      const { [part]: _, ...item } = write.item;
      return { ...write, item: item as RunnerItem };
    }
    if (write.kind !== 'update' || !write.set) return write;
    const { [part]: _, ...set } = write.set;
    return { ...write, set };
  };
}

const isPutToWait = (part: StoreWrite) => part.kind === 'update' && part.set?.state === 'WAITING';
