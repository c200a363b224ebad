import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { failWithErrorOf, lambdaState } from '../workflow/workflow.construct.ts';

/** For the state that says which runner was interrupted, in the field `mend` of its answer; null when none was. */
export const assignMend = { mend: '{% $states.result.Payload.mend ? $states.result.Payload.mend : {} %}' };

/**
 * Mends the job of the runner that was interrupted, if one was; then goes on with its input. GitLab's runner goes
 * before.
 */
export function mendJobState(scope: Construct, mendJob: IFunction, next: IChainable): IChainable {
  const mend = lambdaState(scope, 'MendJob', {
    lambda: mendJob,
    comment: 'Cancel what nobody will end, retry what the interruption ended',
    payload: '{% $mend %}',
    outputs: '{% $states.input %}',
  });
  failWithErrorOf(mend, scope, 'MendFailed');
  mend.next(next);
  return Choice.jsonata(scope, 'MayNeedMending', { stateName: 'MayNeedMending' })
    .when(Condition.jsonata('{% $exists($mend.job) %}'), mend)
    .otherwise(next);
}
