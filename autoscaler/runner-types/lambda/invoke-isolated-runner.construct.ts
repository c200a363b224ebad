import { join } from 'node:path';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { RuntimeProfile } from '../../environment/environment.ts';
import { AutoscalerFunction, type FunctionGivens } from '../../runner-store/autoscaler-function.construct.ts';

type Profiles = Readonly<Record<string, RuntimeProfile>>;

/** The function that starts another one for one project alone, which a workflow's own state cannot. */
export class InvokeIsolatedRunner extends AutoscalerFunction {
  /** Only for deployments that have something to isolate. */
  static whereNeeded(scope: Construct, givens: FunctionGivens, profiles: Profiles): InvokeIsolatedRunner | undefined {
    const functionArns = isolatedFunctionArnsOf(profiles);
    return functionArns.length === 0 ? undefined : new InvokeIsolatedRunner(scope, givens, functionArns);
  }

  private constructor(scope: Construct, givens: FunctionGivens, functionArns: readonly string[]) {
    super(scope, givens, {
      entry: join(import.meta.dirname, 'invoke-isolated-runner.lambda.ts'),
      description: 'Starts a runner’s function for one project',
    });
    Grant.addToPrincipal({ grantee: this, actions: ['lambda:InvokeFunction'], resourceArns: [...functionArns] });
  }
}

function isolatedFunctionArnsOf(profiles: Profiles): readonly string[] {
  return Object.values(profiles).flatMap(({ isolateProjects, functionArn }) =>
    isolateProjects && functionArn !== undefined ? [functionArn] : [],
  );
}
