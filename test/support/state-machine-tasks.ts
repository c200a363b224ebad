import { StateError } from './state-machine-errors.ts';
import type { Json } from './state-machine-language.ts';

/** What a task can know of the state that calls it. */
interface TaskContext {
  readonly state: string;
  /** 0 for the first call, then 1, 2, ... for each retry. */
  readonly retryCount: number;
  readonly waitedSeconds: number;
}

/**
 * Does what a Task state asks for. What it throws becomes the state's error: the error's `name` is the error name, its
 * message the cause. A {@link StateError} is taken as it is; an `AssertionError` fails the test and not the state.
 */
export type TaskRunner = (resource: string, input: Json, context: TaskContext) => Promise<unknown>;

/** `never` lets a test write the parameter as the type that its Lambda expects. */
type LambdaFake = (payload: never, context: TaskContext) => unknown;
type ServiceFake = (input: never, context: TaskContext) => unknown;

export interface TaskRoutes {
  /** By function: any part of its name or ARN, such as its logical id without the hash. The longest part wins. */
  readonly lambdas?: Readonly<Record<string, LambdaFake>>;
  /** By integration: `sqs:sendMessage`, `dynamodb:updateItem`, `aws-sdk:ec2:createFleet`. */
  readonly services?: Readonly<Record<string, ServiceFake>>;
}

/** A Task called something that the test gave no fake for. It fails the test: no Catch of the machine sees it. */
export class UnroutedTaskError extends Error {
  override readonly name = 'UnroutedTaskError';
}

interface InvokeArguments {
  readonly FunctionName: string;
  readonly Payload?: Json;
  readonly InvocationType?: string;
}

/**
 * A task runner that calls fakes by what a state names: a Lambda by `lambda:invoke` or by its ARN as the resource, any
 * other service by its integration.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
 */
export function routeTasks({ lambdas = {}, services = {} }: TaskRoutes): TaskRunner {
  return async (resource, input, context) => {
    const integration = /:states:[^:]*:[^:]*:(.+)$/.exec(resource)?.[1];
    if (integration === undefined) return callLambda(lambdaFor(resource, lambdas, context), input, context);
    const service = services[integration];
    if (service) return service(input as never, context);
    if (integration !== 'lambda:invoke') throw unrouted(context, integration, services);
    const { FunctionName, Payload = {}, InvocationType = 'RequestResponse' } = input as unknown as InvokeArguments;
    const lambda = lambdaFor(FunctionName, lambdas, context);
    if (InvocationType === 'Event') return queueLambda(lambda, Payload, context);
    return { StatusCode: 200, Payload: (await callLambda(lambda, Payload, context)) ?? null };
  };
}

/** An error as Lambda reports what a handler throws: its class is the name, and the cause is JSON. */
function lambdaError(thrown: Error): StateError {
  const trace = [`${thrown.name}: ${thrown.message}`];
  const cause = JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message, trace });
  return new StateError(thrown.name, cause, { cause: thrown });
}

/** A broken expectation inside a fake is the test's failure, not the state's. */
export const isAssertion = (error: unknown): boolean => error instanceof Error && error.name === 'AssertionError';

/** What a handler threw, and not the test, the Lambda service (`Lambda.*`) or Step Functions (`States.*`). */
function isHandlerError(error: unknown): error is Error {
  const plain = error instanceof Error && !(error instanceof StateError) && !isAssertion(error);
  return plain && !/^(Lambda|States)\./.test(error.name);
}

async function callLambda(lambda: LambdaFake, payload: Json, context: TaskContext): Promise<unknown> {
  try {
    return await lambda(payload as never, context);
  } catch (error) {
    throw isHandlerError(error) ? lambdaError(error) : error;
  }
}

/** Lambda answers before the function runs, so nothing that the function throws comes back. */
async function queueLambda(lambda: LambdaFake, payload: Json, context: TaskContext): Promise<unknown> {
  try {
    await lambda(payload as never, context);
  } catch (error) {
    if (!isHandlerError(error)) throw error;
  }
  return { StatusCode: 202 };
}

function lambdaFor(name: string, lambdas: Readonly<Record<string, LambdaFake>>, context: TaskContext): LambdaFake {
  const [longest] = Object.entries(lambdas)
    .filter(([part]) => name.includes(part))
    .sort(([one], [other]) => other.length - one.length);
  if (!longest) throw unrouted(context, name, lambdas);
  return longest[1];
}

function unrouted({ state }: TaskContext, called: string, fakes: Readonly<Record<string, unknown>>): UnroutedTaskError {
  const known = Object.keys(fakes).join(', ') || 'none';
  return new UnroutedTaskError(
    `The state ${state} calls ${called}, which the test has no fake for (it has: ${known}).`,
  );
}
