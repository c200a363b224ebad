import { basename } from 'node:path';
import type { Construct } from 'constructs';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { BundledFunction, type BundledFunctionProps } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';
import type { Tables } from './tables.construct.ts';

/** Each of our Lambdas is done within seconds, unless something that it asks hangs. */
const timeoutSeconds = 30;

/** What every function of the autoscaler belongs to. */
export type FunctionGivens = { readonly deployment: Deployment; readonly tables: Tables };

export type AutoscalerFunctionProps = Pick<BundledFunctionProps, 'entry' | 'description'> &
  Partial<Omit<BundledFunctionProps, 'entry' | 'description'>>;

/**
 * One of the autoscaler's Lambdas, with its file's name as id. All know the tables' names; what it may do with them,
 * its folder's construct grants.
 */
export class AutoscalerFunction extends BundledFunction {
  constructor(
    scope: Construct,
    { deployment, tables }: FunctionGivens,
    { entry, environment, ...settings }: AutoscalerFunctionProps,
  ) {
    super(scope, basename(entry, '.lambda.ts'), {
      entry,
      timeoutSeconds,
      environment: {
        DEPLOYMENT: deployment.name,
        RUNNERS_TABLE: tables.runners.tableName,
        TICKETS_TABLE: tables.tickets.claimable.tableName,
        WAITING_TICKETS_TABLE: tables.tickets.waiting.tableName,
        ...environment,
      },
      ...settings,
    });
  }
}
