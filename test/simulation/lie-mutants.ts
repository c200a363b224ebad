import { bindRunner } from '../../autoscaler/bind-runner/bind-runner.lambda.ts';
import { recordTombstone } from '../../autoscaler/end-runner/end-runner.ts';
import { noteJobState, noteTakenJob } from '../../autoscaler/runner-store/job-state.ts';
import { chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { findRunner } from '../../autoscaler/stop-runner/find-runner.lambda.ts';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import type { AllPorts, Composition } from './composition.ts';
import { type LambdaWork, withLambdas } from './plant-bug.ts';

type Context = Parameters<LambdaWork>[2];

/** Bugs in whose word is believed: hooks say what whoever writes their template wants. */
export const lieMutants: Readonly<Record<string, Composition>> = {
  'the path that a hook says is believed': choosing(({ projectPath }) => ({ projectPath })),
  'the name that a hook says is believed': choosing(({ jobName: name }) => ({ name })),
  'the ref that a hook says is believed': choosing(({ ref }) => ({ ref })),
  'the list of allowed projects is not asked where a runner is chosen': withLambdas({
    chooseRunner: (input, ports, context) =>
      chooseRunner(input, { ...ports, isAllowed: () => ({ allowed: true }) }, context),
  }),
  'any word that a job has its runner is believed': withLambdas({
    bindRunner: async (event: JobEvent, ports: AllPorts, context: Context) => {
      const named = event.runnerId === null ? null : await ports.store.readByRunnerId(event.runnerId);
      const isOwn = named?.pk === jobKeyOf(event) && ['REGISTERED', 'LAUNCHED'].includes(named.state);
      if (!isOwn) return bindRunner(event, ports, context);
      await noteJobState(ports.store, named.pk, 'RUNNING', 0);
      await noteTakenJob(ports.store, named, named.pk, new Date(ports.now()).toISOString()).catch(() => {});
    },
  } as never),
  'the runner that a hook says a job has is believed': withLambdas({
    bindRunner: (event: JobEvent, ports: AllPorts, context: Context) => {
      const { runnerId } = event;
      const readJob: AllPorts['jobs']['readJob'] = async (projectId, jobId) => {
        const seen = await ports.jobs.readJob(projectId, jobId);
        return seen && jobId === event.jobId ? { ...seen, status: 'running', runnerId } : seen;
      };
      return bindRunner(event, { ...ports, jobs: { readJob } }, context);
    },
  } as never),
  'the time is believed since when a hook says that a job runs': withLambdas({
    bindRunner: async (event: JobEvent, ports: AllPorts, context: Context) => {
      await bindRunner(event, ports, context);
      const item = await ports.store.read(jobKeyOf(event));
      const set = { pickedUpAt: event.occurredAt };
      if (item?.takenJob === item?.pk && item?.state === 'RUNNING')
        await ports.store.write({ kind: 'update', job: item.pk, from: ['RUNNING'], set }).catch(() => {});
    },
  } as never),
  'the runner that the hook of an end names is believed': withLambdas({
    findRunner: async (event: JobEvent, ports: AllPorts, context: Context) => {
      const readJob: AllPorts['jobs']['readJob'] = async (projectId, jobId) => {
        const seen = await ports.jobs.readJob(projectId, jobId);
        return seen && { ...seen, status: 'success', runnerId: event.runnerId };
      };
      return findRunner(event, { ...ports, jobs: { readJob } }, context);
    },
  } as never),
  'the end of a job that GitLab does not know is noted': withLambdas({
    findRunner: async (event: JobEvent, ports: AllPorts, context: Context) => {
      const found = await findRunner(event, ports, context);
      await recordTombstone(ports.store, event, ports.now());
      return found;
    },
  } as never),
};

/** ChooseRunner that takes a part of what GitLab says of a job from the hook. */
function choosing(believed: (event: JobEvent) => object): Composition {
  return withLambdas({
    chooseRunner: (event: JobEvent, ports: AllPorts, context: Context) => {
      const readJob: AllPorts['gitlab']['readJob'] = async (projectId, jobId) => {
        const seen = await ports.gitlab.readJob(projectId, jobId);
        return seen && { ...seen, ...believed(event) };
      };
      return chooseRunner(event, { ...ports, gitlab: { ...ports.gitlab, readJob } }, context);
    },
  } as never);
}
