import { giveTurns } from '../../autoscaler/gate/give-turns.lambda.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { jobKeyOf } from '../../infrastructure/lib/job-key.ts';
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
  'earlier jobs of which only GitLab knows are not asked for': withLambdas({
    giveTurns: (input, ports, context) =>
      giveTurns(
        input,
        { ...ports, gitlab: { allPendingJobs: (projectId) => ownPendingJobs(projectId, ports) } },
        context,
      ),
  }),
};

async function ownPendingJobs(projectId: number, { gitlab, store }: AllPorts) {
  const all = await gitlab.allPendingJobs(projectId);
  const items = await Promise.all(all.map(({ id: jobId }) => store.read(jobKeyOf({ projectId, jobId }))));
  return all.filter((_, index) => items[index]);
}
