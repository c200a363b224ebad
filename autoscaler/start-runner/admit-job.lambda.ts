import type * as z from 'zod/mini';
import type { JobEvent } from '../../infrastructure/kit/job-event.ts';
import { jobKeyOf } from '../../infrastructure/kit/job-key.ts';
import {
  type LambdaContext,
  lambdaHandler,
  readEnvironment,
} from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import type { Log } from '../../infrastructure/kit/lambda/log.ts';
import { admitJob as admit } from '../demand/admit-job.ts';
import { attemptsEnvironment, eventBusEnvironment, retriesEnvironment } from '../environment/environment.ts';
import { createEventBus } from '../events/event-bus.client.ts';
import type { EventBus } from '../events/event-bus.ts';
import { tellGateIfPossible } from '../gate/tell-gate.ts';
import { createKnownProjects } from '../runner-store/known-projects.client.ts';
import type { ProjectsStore } from '../runner-store/known-projects.ts';
import { createDocumentClient, createTables } from '../runner-store/live-tables.client.ts';
import type { RetryMarks } from '../runner-store/retry-marks.ts';
import { CapReachedError, NotItsTurnError } from '../runner-store/runner-errors.ts';
import { choiceOf } from '../runner-store/runner-item.ts';
import type { RunnersStore } from '../runner-store/runners-store.ts';
import { tablesEnvironment } from '../runner-store/tables-environment.ts';
import { traitsOf } from '../runner-types/runner-types.ts';
import { admitJobInput } from './start-runner-input.ts';

export type AdmitJobPorts = {
  readonly store: RunnersStore;
  readonly projects: Pick<ProjectsStore, 'noteProject'>;
  readonly bus: EventBus;
  readonly maxAttempts: number;
  /** Absent where no profile's interrupted jobs are retried: then no admission looks for a mark. */
  readonly marks?: Pick<RetryMarks, 'claim'>;
  readonly now: () => number;
};

/**
 * Admits the job: the one gate that every duplicate of an event fails at. Returns the attempt that begins, and where it
 * runs: from the second attempt on that is the fallback of the job's mapping, if it has one; and on on-demand capacity
 * only, if the job is the retry of one that a spot interruption ended. The job's project is remembered, so that the
 * reconciler looks after it when its hooks get lost.
 */
export async function admitJob(input: z.infer<typeof admitJobInput>, ports: AdmitJobPorts, { log }: LambdaContext) {
  const { fallback, standIn = false, ...choice } = input.choice;
  const noted = noteProject(input.event, ports, log);
  try {
    const mayBeRetry = [choice, fallback].some((one) => one && traitsOf(one).hasSpot);
    const onDemandOnly = mayBeRetry && ((await ports.marks?.claim(input.event)) ?? false);
    const item = await admit(ports.store, jobKeyOf(input.event), {
      // Whatever its hook said, GitLab has called it pending since.
      event: standIn ? input.event : { ...input.event, status: 'pending' },
      choice,
      fallback,
      admittedBy: input.execution,
      now: new Date(ports.now()).toISOString(),
      maxAttempts: ports.maxAttempts,
      onDemandOnly,
      standIn,
    });
    const { attempt, profile } = item;
    // It may be its turn, or others are held for it from now on.
    await tellGateIfPossible(input.event, [item], ports, log);
    log.info('job admitted', { attempt, profile, onDemandOnly, standIn });
    return { attempt, choice: choiceOf(item), onDemandOnly };
  } catch (error) {
    if (error instanceof NotItsTurnError || error instanceof CapReachedError) {
      await tellGateIfPossible(input.event, [choice], ports, log);
    }
    throw error;
  } finally {
    await noted;
  }
}

/** No job waits or fails because its project could not be remembered. */
async function noteProject({ projectId, projectPath }: JobEvent, { projects, now }: AdmitJobPorts, log: Log) {
  try {
    const day = new Date(now()).toISOString().slice(0, 10);
    await projects.noteProject({ projectId, path: projectPath }, day);
  } catch (error) {
    log.warn('the project could not be remembered: its lost hooks may not be found', { error });
  }
}

export const handler = lambdaHandler({
  input: admitJobInput,
  logFields: ({ event }) => ({ projectId: event.projectId, jobId: event.jobId }),
  ports: () => {
    const dynamodb = createDocumentClient();
    const { marks, ...tables } = createTables(dynamodb);
    const { RETRIED_PROFILES: retriedProfiles } = readEnvironment(retriesEnvironment);
    return {
      ...tables,
      bus: createEventBus(readEnvironment(eventBusEnvironment).EVENT_BUS_ARN),
      ...(retriedProfiles.length > 0 ? { marks } : {}),
      projects: createKnownProjects(dynamodb, readEnvironment(tablesEnvironment).RUNNERS_TABLE),
      maxAttempts: readEnvironment(attemptsEnvironment).MAX_ATTEMPTS,
    };
  },
  work: admitJob,
});
