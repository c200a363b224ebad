import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, Fail } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { allStoppedState, type StopStatesProps, stopEachState } from '../stop-runner/stop-states.construct.ts';
import { causeOf, lambdaState, Workflow } from '../workflow.construct.ts';

export type InterruptRunnerProps = StopStatesProps & {
  readonly findInterruptedRunner: IFunction;
  readonly mendJob: IFunction;
};

/**
 * The workflow for an instance that EC2 takes back or that ends, and for a runner that is to end although no event of a job says so: find the
 * runner, end it as any other, then mend its job. Its input is an event of EC2's, or an UnwantedRunner. GitLab's runner goes before the job is canceled: a job whose runner exists would wait for that runner's consent.
 */
export class InterruptRunner extends Construct {
  readonly workflow: Workflow;

  constructor(scope: Construct, id: string, props: InterruptRunnerProps) {
    super(scope, id);
    const failed = Fail.jsonata(this, 'InterruptFailed', {
      stateName: 'InterruptFailed',
      error: '{% $states.input.Error %}',
      cause: causeOf('$states.input'),
    });
    const errorOnly = { outputs: '{% $states.errorOutput %}' };
    const find = lambdaState(this, 'FindInterruptedRunner', {
      lambda: props.findInterruptedRunner,
      comment: 'By instance or job, in our own table: most instances of an account are not ours',
      payload: '{% $states.input %}',
      assign: { mend: '{% $states.result.Payload.mend ? $states.result.Payload.mend : {} %}' },
    });
    find.addCatch(failed, errorOnly);
    const mend = lambdaState(this, 'MendJob', {
      lambda: props.mendJob,
      comment: 'Cancel what nobody will end, retry what the interruption ended',
      payload: '{% $mend %}',
      outputs: '{% $states.input %}',
    });
    mend.addCatch(failed, errorOnly);
    const allStopped = allStoppedState(this);
    mend.next(allStopped);
    const hasJob = Choice.jsonata(this, 'MayNeedMending', { stateName: 'MayNeedMending' })
      .when(Condition.jsonata('{% $exists($mend.job) %}'), mend)
      .otherwise(allStopped);
    const { findInterruptedRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner } = props;
    this.workflow = new Workflow(this, 'Workflow', {
      lambdas: [findInterruptedRunner, mendJob, drainRunner, unregisterRunner, terminateInstance, releaseRunner],
      definition: find.next(stopEachState(this, props)).next(hasJob),
      comment: 'Ends a runner that is unwanted, or whose instance is taken back or gone, and mends its job',
    });
  }
}
