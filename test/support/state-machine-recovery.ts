import { catcherIndexFor, refuseLargePayload, retrierFor, retryDelays, StateError } from './state-machine-errors.ts';
import type { Json, Retrier } from './state-machine-language.ts';
import { finish, type Step, type Visit } from './state-machine-visit.ts';

/** Tries a Task, Map or Parallel with its retriers, then its catchers. What its Output throws counts as its failure. */
export async function withRecovery(visit: Visit, attempt: (retryCount: number) => Promise<Json>): Promise<Step> {
  const { name, state, run, scope } = visit;
  const used = new Map<Retrier, number>();
  for (let retryCount = 0; ; retryCount += 1) {
    try {
      const result = await attempt(retryCount);
      refuseLargePayload(result, `The result of the state '${name}'`);
      return await finish(visit, state, result, '', state.Next, { result });
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const retrier = retrierFor(state.Retry, error);
      const delaySeconds = retrier && retryDelays(retrier)[used.get(retrier) ?? 0];
      if (retrier === undefined || delaySeconds === undefined) return recover(visit, error);
      used.set(retrier, (used.get(retrier) ?? 0) + 1);
      run.retries.push({ state: name, error: error.error, attempt: retryCount + 1, delaySeconds });
      scope.clockSeconds += delaySeconds;
      await run.passTime?.(delaySeconds, 'retry');
    }
  }
}

async function recover(visit: Visit, error: StateError): Promise<Step> {
  const catchers = visit.state.Catch ?? [];
  const index = catcherIndexFor(catchers, error);
  const catcher = catchers[index];
  if (!catcher) throw error;
  visit.run.catches.push({
    state: visit.name,
    index,
    error: error.error,
    cause: error.errorCause,
    next: catcher.Next,
  });
  const errorOutput = error.output;
  return finish(visit, catcher, errorOutput, `Catch[${index}]/`, catcher.Next, { errorOutput });
}
