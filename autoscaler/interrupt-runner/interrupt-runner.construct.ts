import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { assignMend, mendJobState } from '../end-runner/mend-job-state.construct.ts';
import { allStoppedState, type StopStatesProps, stopEachState } from '../end-runner/stop-states.construct.ts';
import { failWithErrorOf, lambdaState, Workflow, type WorkflowProps } from '../workflow/workflow.construct.ts';

export type InterruptRunnerProps = StopStatesProps &
  Pick<WorkflowProps, 'history'> & {
    readonly findInterruptedRunner: IFunction;
    readonly mendJob: IFunction;
  };

/**
 * The workflow for an instance that EC2 takes back or that ends, and for a runner that is to end although no event of a
 * job says so: find the runner, end it as any other, then mend its job. Its input is an event of EC2's, or an
 * UnwantedRunner. GitLab's runner goes before the job is canceled: a job whose runner exists would wait for that
 * runner's consent.
 */
export class InterruptRunner extends Construct {
  readonly workflow: Workflow;

  constructor(scope: Construct, id: string, props: InterruptRunnerProps) {
    super(scope, id);
    const find = lambdaState(this, 'FindInterruptedRunner', {
      lambda: props.findInterruptedRunner,
      comment: 'By instance or job, in our own table: most instances of an account are not ours',
      payload: '{% $states.input %}',
      assign: assignMend,
    });
    failWithErrorOf(find, this, 'FindFailed');
    const mend = mendJobState(this, props.mendJob, allStoppedState(this));
    const { findInterruptedRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner } = props;
    this.workflow = new Workflow(this, 'Workflow', {
      history: props.history,
      lambdas: [findInterruptedRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner],
      definition: find.next(stopEachState(this, props)).next(mend),
      comment: 'Ends a runner that is unwanted, or whose instance is taken back or gone, and mends its job',
    });
  }
}
