import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { assignMend, mendJobState } from '../end-runner/mend-job-state.construct.ts';
import { allStoppedState, type StopStatesProps, stopEachState } from '../end-runner/stop-states.construct.ts';
import { failWithErrorOf, lambdaState, Workflow, type WorkflowProps } from '../workflow/workflow.construct.ts';
import { retryPassingTrouble } from '../workflow/workflow-retries.construct.ts';

export type StopRunnerProps = StopStatesProps &
  Pick<WorkflowProps, 'history'> & { readonly findRunner: IFunction; readonly mendJob: IFunction };

/**
 * The workflow that ends what is no longer needed when a job is over: find, drain, unregister, terminate, release; then
 * it mends a job that a spot interruption ended. Its input is a JobEvent.
 */
export class StopRunner extends Construct {
  readonly workflow: Workflow;

  constructor(scope: Construct, id: string, props: StopRunnerProps) {
    super(scope, id);
    const find = lambdaState(this, 'FindRunner', {
      lambda: props.findRunner,
      comment: 'By job and by runner, in our own table; GitLab confirms an end that surprises',
      payload: '{% $states.input %}',
      assign: assignMend,
    });
    find.addRetry({ ...retryPassingTrouble, errors: ['JobNotOverError'] });
    const notOver = Succeed.jsonata(this, 'NotOver', {
      stateName: 'NotOver',
      comment: 'GitLab does not call the job over; its next event will tell',
    });
    find.addCatch(notOver, { errors: ['JobNotOverError'] });
    failWithErrorOf(find, this, 'FindFailed');
    const mend = mendJobState(this, props.mendJob, allStoppedState(this));
    const { findRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner } = props;
    this.workflow = new Workflow(this, 'Workflow', {
      history: props.history,
      lambdas: [findRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner],
      definition: find.next(stopEachState(this, props)).next(mend),
      comment: 'Ends what a finished job leaves: find, drain, unregister, terminate, release',
    });
  }
}
