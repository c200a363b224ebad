import * as z from 'zod/mini';
import { type BindRunnerPorts, bindRunner } from '../../autoscaler/bind-runner/bind-runner.lambda.ts';
import { mendJobInput } from '../../autoscaler/end-runner/mend-job-input.ts';
import { runnerToStopSchema } from '../../autoscaler/end-runner/stop-runner-input.ts';
import { type GiveTurnsPorts, giveTurns } from '../../autoscaler/gate/give-turns.lambda.ts';
import { turnsWantedSchema } from '../../autoscaler/gate/turns-wanted.ts';
import {
  type FindInterruptedRunnerPorts,
  findInterruptedRunner,
  interruptRunnerInput,
} from '../../autoscaler/interrupt-runner/find-interrupted-runner.lambda.ts';
import { type MendJobPorts, mendJob } from '../../autoscaler/interrupt-runner/mend-job.lambda.ts';
import { type ReconcilePorts, reconcile } from '../../autoscaler/reconcile/reconcile.lambda.ts';
import {
  type LaunchInstancesPorts,
  launchBatchSchema,
  launchInstances,
} from '../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import {
  type InvokeIsolatedRunnerPorts,
  invokeIsolatedRunner,
} from '../../autoscaler/runner-types/lambda/invoke-isolated-runner.lambda.ts';
import { invokeIsolatedRunnerInput } from '../../autoscaler/runner-types/lambda/invoke-isolated-runner-input.ts';
import { type AbandonRunnerPorts, abandonRunner } from '../../autoscaler/start-runner/abandon-runner.lambda.ts';
import { type AdmitJobPorts, admitJob } from '../../autoscaler/start-runner/admit-job.lambda.ts';
import { type ChooseRunnerPorts, chooseRunner } from '../../autoscaler/start-runner/choose-runner.lambda.ts';
import { type RegisterRunnerPorts, registerRunner } from '../../autoscaler/start-runner/register-runner.lambda.ts';
import {
  abandonRunnerInput,
  admitJobInput,
  registerRunnerInput,
} from '../../autoscaler/start-runner/start-runner-input.ts';
import { type DrainRunnerPorts, drainRunner } from '../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { type FindRunnerPorts, findRunner } from '../../autoscaler/stop-runner/find-runner.lambda.ts';
import { releaseRunner } from '../../autoscaler/stop-runner/release-runner.lambda.ts';
import {
  type TerminateInstancePorts,
  terminateInstance,
} from '../../autoscaler/stop-runner/terminate-instance.lambda.ts';
import { type UnregisterRunnerPorts, unregisterRunner } from '../../autoscaler/stop-runner/unregister-runner.lambda.ts';
import type { readJobHook } from '../../infrastructure/ingest/job-hook.ts';
import { jobEventSchema } from '../../infrastructure/kit/job-event.ts';
import type { LambdaContext } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { allowedProjects } from './schedule.ts';
import type { TablesModel } from './tables-model.ts';

/** All that any Lambda asks of the outside. */
export type AllPorts = ChooseRunnerPorts &
  AdmitJobPorts &
  RegisterRunnerPorts &
  AbandonRunnerPorts &
  LaunchInstancesPorts &
  BindRunnerPorts &
  GiveTurnsPorts &
  FindRunnerPorts &
  DrainRunnerPorts &
  UnregisterRunnerPorts &
  TerminateInstancePorts &
  FindInterruptedRunnerPorts &
  MendJobPorts &
  InvokeIsolatedRunnerPorts &
  Omit<ReconcilePorts, 'projects'>;

type SimulatedLambda = {
  readonly input: z.ZodMiniType;
  readonly work: (input: never, ports: AllPorts, context: LambdaContext) => Promise<unknown>;
};

/** What is simulated: the real code, unless a test plants a bug. */
export type Composition = {
  readonly lambdas: Readonly<Record<string, SimulatedLambda>>;
  /** The ports of each invocation. */
  readonly ports?: (ports: AllPorts) => AllPorts;
  readonly claim?: (claim: TablesModel['claim'], tables: TablesModel) => TablesModel['claim'];
  readonly readHook?: typeof readJobHook;
};

/** By the part of the template's logical ids that names the Lambda. */
export const realComposition = {
  lambdas: {
    chooseRunner: { input: jobEventSchema, work: chooseRunner },
    admitJob: { input: admitJobInput, work: admitJob },
    registerRunner: { input: registerRunnerInput, work: registerRunner },
    abandonRunner: { input: abandonRunnerInput, work: abandonRunner },
    launchInstances: { input: launchBatchSchema, work: launchInstances },
    bindRunner: { input: jobEventSchema, work: bindRunner },
    giveTurns: { input: turnsWantedSchema, work: giveTurns },
    findRunner: { input: jobEventSchema, work: findRunner },
    drainRunner: { input: runnerToStopSchema, work: drainRunner },
    unregisterRunner: { input: runnerToStopSchema, work: unregisterRunner },
    terminateInstance: { input: runnerToStopSchema, work: terminateInstance },
    releaseRunner: { input: runnerToStopSchema, work: releaseRunner },
    findInterruptedRunner: { input: interruptRunnerInput, work: findInterruptedRunner },
    mendJob: { input: mendJobInput, work: mendJob },
    invokeIsolatedRunner: { input: invokeIsolatedRunnerInput, work: invokeIsolatedRunner },
    reconcile: {
      input: z.unknown(),
      work: (input: unknown, ports: AllPorts, context: LambdaContext) =>
        reconcile(input, { ...ports, projects: allowedProjects }, context),
    },
  },
} satisfies Composition;
