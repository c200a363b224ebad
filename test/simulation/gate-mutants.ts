import { runnerFailedType } from '../../autoscaler/events/runner-failed.ts';
import { giveTurns } from '../../autoscaler/gate/give-turns.lambda.ts';
import type { StoreWrite } from '../../autoscaler/runner-store/runners-store.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { AllPorts, Composition } from './composition.ts';
import { withLambdas } from './plant-bug.ts';

/** Bugs in who may ask GitLab for a job, and when. */
export const gateMutants: Readonly<Record<string, Composition>> = {
  'runners ask before it is their turn': withLambdas({
    chooseRunner: async (input, ports, context) => {
      const decision = await chooseRunner(input, ports, context);
      if (decision.decision !== 'LAUNCH') return decision;
      const { gated: _, ...choice } = decision.choice;
      return { ...decision, choice };
    },
  }),
  'a runner that holds its token is taken back too late': withLambdas({
    giveTurns: (input, ports, context) =>
      giveTurns(input, { ...ports, gitlab: { ...ports.gitlab, pauseRunner: async () => true } }, context),
  }),
  'a ticket is taken back too late': withLambdas({
    giveTurns: (input, ports, context) =>
      giveTurns(input, { ...ports, store: { ...ports.store, write: withoutHolds(ports.store) } }, context),
  }),
  'a place is held while its runner waits for its turn': withLambdas({
    giveTurns: (input, ports, context) => {
      const tell: AllPorts['bus']['tell'] = async (type, detail) => {
        if (type !== runnerFailedType) await ports.bus.tell(type, detail);
      };
      return giveTurns(input, { ...ports, bus: { tell } }, context);
    },
  }),
  'what comes while somebody decides is forgotten': withLambdas({
    giveTurns: (input, ports, context) => {
      const { join, leave } = ports.gateQueue;
      const next: AllPorts['gateQueue']['next'] = async (...one) => {
        await leave(...one);
        return null;
      };
      return giveTurns(input, { ...ports, gateQueue: { join, leave, next } }, context);
    },
  }),
  'nobody decides any more once somebody has died of it': withLambdas({
    giveTurns: (input, ports, context) => {
      const join: AllPorts['gateQueue']['join'] = (projectId, jobId, keeper) =>
        ports.gateQueue.join(projectId, jobId, keeper, 0);
      return giveTurns(input, { ...ports, gateQueue: { ...ports.gateQueue, join } }, context);
    },
  }),
  'earlier jobs of which only GitLab knows are not asked for': withLambdas({
    giveTurns: (input, ports, context) =>
      giveTurns(
        input,
        { ...ports, gitlab: { ...ports.gitlab, allPendingJobs: (projectId) => ownPendingJobs(projectId, ports) } },
        context,
      ),
  }),
};

/** What is taken back is written down as such, and its host finds its ticket all the same. */
function withoutHolds(store: AllPorts['store']): AllPorts['store']['write'] {
  return async (...parts) => {
    const keys = parts.flatMap((part) => (part.kind === 'replace-ticket' ? [part.ticket.job as string] : []));
    const isTakenBack = (part: StoreWrite) =>
      part.kind === 'replace-ticket' || (part.kind === 'put-ticket' && keys.includes(part.ticket.id));
    return store.write(...parts.filter((part) => !isTakenBack(part)));
  };
}

async function ownPendingJobs(projectId: number, { gitlab, store }: AllPorts) {
  const all = await gitlab.allPendingJobs(projectId);
  const items = await Promise.all(all.map(({ id: jobId }) => store.read(jobKeyOf({ projectId, jobId }))));
  return all.filter((_, index) => items[index]);
}
