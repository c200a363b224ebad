import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, Fail, Map as MapState, Pass, ProvideItems, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { startWaitingJobsState } from '../start-runner/abandon-states.construct.ts';
import { causeOf, lambdaState, Workflow } from '../workflow.construct.ts';

export type StopRunnerProps = {
  readonly findRunner: IFunction;
  readonly drainRunner: IFunction;
  readonly unregisterRunner: IFunction;
  readonly terminateInstance: IFunction;
  readonly releaseRunner: IFunction;
  readonly eventBus: IEventBus;
};

const runner = '{% $runner %}';

/** The workflow that ends what is no longer needed when a job is over: find, drain, unregister, terminate, release. Its input is a JobEvent. */
export class StopRunner extends Construct {
  readonly workflow: Workflow;

  constructor(scope: Construct, id: string, props: StopRunnerProps) {
    super(scope, id);
    // Inside the loop a failure is an outcome: a failed iteration would cancel the others.
    const failedOne = Pass.jsonata(this, 'StopFailed', {
      stateName: 'StopFailed',
      outputs: {
        failed: "{% $states.input.Error & ': ' & ($exists($states.input.Cause) ? $states.input.Cause : '') %}",
      },
    });
    const errorOnly = { outputs: '{% $states.errorOutput %}' };

    const release = lambdaState(this, 'ReleaseRunner', {
      lambda: props.releaseRunner,
      comment: 'End the item, its places and its ticket in one transaction',
      payload: runner,
    });
    release.addCatch(failedOne, errorOnly);
    const startNext = startWaitingJobsState(this, 'StartNextJobs', props.eventBus);
    startNext.addCatch(failedOne, errorOnly);
    release.next(startNext);

    const isUnregistered = Choice.jsonata(this, 'IsUnregistered', { stateName: 'IsUnregistered' })
      .when(Condition.jsonata('{% $unregistered %}'), release)
      .otherwise(
        Pass.jsonata(this, 'RunnerLeftInGitLab', {
          stateName: 'RunnerLeftInGitLab',
          comment: 'The item stays STOPPING, and is stopped again later',
          outputs: { failed: 'The host is gone, but GitLab would not remove its runner' },
        }),
      );
    const terminate = lambdaState(this, 'TerminateInstance', {
      lambda: props.terminateInstance,
      comment: 'Nothing to do for a Lambda: without its runner it ends by itself',
      payload: runner,
    });
    terminate.addCatch(failedOne, errorOnly);
    terminate.next(isUnregistered);

    const unregister = lambdaState(this, 'UnregisterRunner', {
      lambda: props.unregisterRunner,
      comment: 'Through the API, which works when the host is dead',
      payload: runner,
      assign: { unregistered: true },
    });
    // The instance costs money: it goes, whatever GitLab says.
    unregister.addCatch(terminate, { assign: { unregistered: false } });
    unregister.next(terminate);

    const drain = lambdaState(this, 'DrainRunner', {
      lambda: props.drainRunner,
      comment: 'Pause it, then look once more: a job that slipped in keeps its host',
      payload: '{% $states.input %}',
      assign: {
        runner:
          "{% $merge([$states.input, {'runnerId': $states.result.Payload.runnerId, 'instanceId': $states.result.Payload.instanceId, 'manager': $states.result.Payload.manager}]) %}",
      },
    });
    drain.addCatch(failedOne, errorOnly);
    drain.next(
      Choice.jsonata(this, 'MayStop', { stateName: 'MayStop' })
        .when(Condition.jsonata("{% $states.input.verdict = 'STOP' %}"), unregister)
        .otherwise(Succeed.jsonata(this, 'RunnerKept', { stateName: 'RunnerKept', comment: 'Busy, or ended before' })),
    );

    const find = lambdaState(this, 'FindRunner', {
      lambda: props.findRunner,
      comment: 'By job and by runner, in our own table',
      payload: '{% $states.input %}',
    });
    find.addCatch(
      Fail.jsonata(this, 'FindFailed', {
        stateName: 'FindFailed',
        error: '{% $states.input.Error %}',
        cause: causeOf('$states.input'),
      }),
      errorOnly,
    );
    const each = MapState.jsonata(this, 'StopEach', {
      stateName: 'StopEach',
      items: ProvideItems.jsonata('{% [$states.input.runners] %}'),
    });
    each.itemProcessor(drain);
    const allStopped = Choice.jsonata(this, 'AllStopped', { stateName: 'AllStopped' })
      .when(
        Condition.jsonata('{% $count($states.input.failed) > 0 %}'),
        Fail.jsonata(this, 'StopIncomplete', {
          stateName: 'StopIncomplete',
          error: 'StopIncomplete',
          cause: '{% $join($states.input.failed, "; ") %}',
        }),
      )
      .otherwise(Succeed.jsonata(this, 'Stopped', { stateName: 'Stopped' }));
    const { findRunner, drainRunner, unregisterRunner, terminateInstance, releaseRunner } = props;
    this.workflow = new Workflow(this, 'Workflow', {
      lambdas: [findRunner, drainRunner, unregisterRunner, terminateInstance, releaseRunner],
      definition: find.next(each).next(allStopped),
      comment: 'Ends what a finished job leaves: find, drain, unregister, terminate, release',
    });
  }
}
