import { Stack } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import { defaultExactSeconds } from '../../infrastructure/kit/exactness.ts';
import type { Tables } from '../runner-store/tables.construct.ts';
import type { RunnerProfiles } from './runner-profiles.construct.ts';

export type RoutingProps = {
  readonly deployment: Deployment;
  readonly tables: Tables;
  readonly profiles: Pick<RunnerProfiles, 'runtime'>;
};

/** Where jobs run: by the mappings, the profiles and the default, for the Lambdas that must know it. */
export class Routing {
  readonly #props: RoutingProps;

  constructor(props: RoutingProps) {
    this.#props = props;
  }

  /** To tell which profile a job belongs to. */
  grantRead(lambda: LambdaFunction): void {
    const { deployment, tables, profiles } = this.#props;
    lambda.addEnvironment('MAPPINGS_TABLE', tables.mappings.tableName);
    lambda.addEnvironment('DEFAULT_RUNNER', JSON.stringify(deployment.defaultRunner));
    lambda.addEnvironment('PROFILES', Stack.of(lambda).toJsonString(profiles.runtime));
    tables.grantReadMappings(lambda);
  }

  /** To choose for a job that waits, by the limits of the deployment too. */
  grantChoose(lambda: LambdaFunction): void {
    const { maxConcurrent, exact } = this.#props.deployment;
    this.grantRead(lambda);
    if (maxConcurrent !== undefined) lambda.addEnvironment('MAX_CONCURRENT', String(maxConcurrent));
    if (exact !== defaultExactSeconds) lambda.addEnvironment('EXACT', JSON.stringify(exact));
  }
}
