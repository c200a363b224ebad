import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { createLog, type Log } from './log.ts';

/** The input of a Lambda is not what its schema says; the message names every fault. Never worth a retry. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
}

/** The environment of a Lambda lacks something; the message names every fault. */
export class InvalidEnvironmentError extends Error {
  override readonly name = 'InvalidEnvironmentError';
}

/**
 * The logger of this process: whole JSON lines to standard output, which Lambda's JSON log format keeps as they are.
 */
export const log: Log = createLog((line) => process.stdout.write(`${line}\n`), Date.now, {}, process.env.DEPLOYMENT);

export type LambdaOptions<Schema extends z.ZodMiniType, Ports, Output> = {
  readonly input: Schema;
  /** Makes what the work needs from the outside, once per process; tried again at the next event when it fails. */
  readonly ports: () => Ports | Promise<Ports>;
  readonly work: (input: z.output<Schema>, ports: Ports, context: LambdaContext) => Promise<Output>;
  /** Fields that every log line of one event carries, such as the job's id. */
  readonly logFields?: (input: z.output<Schema>) => Record<string, unknown>;
};

/** What the work may know of its invocation. */
export type LambdaContext = { readonly log: Log; readonly remainingMilliseconds: () => number };

/**
 * The one wrapper of all our Lambdas: checks the input, makes the ports on the first event, logs the outcome as one
 * line and lets errors through with their names, since the workflows match on them.
 */
export function lambdaHandler<Schema extends z.ZodMiniType, Ports, Output>(
  options: LambdaOptions<Schema, Ports, Output>,
) {
  let ports: Promise<Ports> | undefined;
  const preparePorts = () => {
    ports ??= Promise.resolve()
      .then(options.ports)
      .catch((error: unknown) => {
        ports = undefined;
        throw error;
      });
    return ports;
  };
  return middy<unknown, Output, Error, Context>({ timeoutEarlyInMillis: 0 }).handler(
    async (event: unknown, context) => {
      const startedAt = Date.now();
      const parsed = z.safeParse(options.input, event);
      const fields = parsed.success ? options.logFields?.(parsed.data) : {};
      const eventLog = log.with({ requestId: context.awsRequestId, ...fields });
      try {
        if (!parsed.success) throw new InvalidInputError(faultsOf('input', parsed.error));
        const output = await options.work(parsed.data, await preparePorts(), {
          log: eventLog,
          remainingMilliseconds: () => context.getRemainingTimeInMillis(),
        });
        eventLog.info('done', { milliseconds: Date.now() - startedAt });
        return output;
      } catch (error) {
        eventLog.error('failed', { milliseconds: Date.now() - startedAt, error });
        throw error;
      }
    },
  );
}

/** Reads the environment variables that a Lambda needs, all at once. @throws {InvalidEnvironmentError} */
export function readEnvironment<Schema extends z.ZodMiniType>(schema: Schema): z.output<Schema> {
  const parsed = z.safeParse(schema, process.env);
  if (!parsed.success) throw new InvalidEnvironmentError(faultsOf('environment', parsed.error));
  return parsed.data;
}

function faultsOf(what: string, error: z.core.$ZodError): string {
  const faults = error.issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`);
  return `${what} is not valid: ${faults.join('; ')}`;
}
