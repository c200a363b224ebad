import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as MapState,
  Pass,
  ProvideItems,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { startWaitingJobsState } from '../workflow/ask-for-runner.construct.ts';
import { lambdaState } from '../workflow/workflow.construct.ts';

export type StopStatesProps = {
  readonly drainRunner: IFunction;
  readonly unregisterRunner: IFunction;
  readonly terminateInstance: IFunction;
  readonly releaseRunner: IFunction;
  readonly eventBus: IEventBus;
};

const runner = '{% $runner %}';

/**
 * Ends each of the runners that the state before found: drain, unregister, terminate, release. Its input holds them as
 * `runners`, its output is one entry for each, with `failed` where something did. An iteration never fails, since that
 * would cancel the others.
 */
export function stopEachState(scope: Construct, props: StopStatesProps): MapState {
  // Inside the loop a failure is an outcome: a failed iteration would cancel the others.
  const failedOne = Pass.jsonata(scope, 'StopFailed', {
    stateName: 'StopFailed',
    outputs: {
      failed: "{% $states.input.Error & ': ' & ($exists($states.input.Cause) ? $states.input.Cause : '') %}",
    },
  });
  const errorOnly = { outputs: '{% $states.errorOutput %}' };

  const release = lambdaState(scope, 'ReleaseRunner', {
    lambda: props.releaseRunner,
    comment: 'End the item, its places and its ticket in one transaction',
    payload: runner,
  });
  release.addCatch(failedOne, errorOnly);
  const startNext = startWaitingJobsState(scope, 'StartNextJobs', props.eventBus);
  startNext.addCatch(failedOne, errorOnly);
  release.next(startNext);

  const isUnregistered = Choice.jsonata(scope, 'IsUnregistered', { stateName: 'IsUnregistered' })
    .when(Condition.jsonata('{% $unregistered %}'), release)
    .otherwise(
      Pass.jsonata(scope, 'RunnerLeftInGitLab', {
        stateName: 'RunnerLeftInGitLab',
        comment: 'The item stays STOPPING, and is stopped again later',
        outputs: { failed: 'The host is gone, but GitLab would not remove its runner' },
      }),
    );
  const terminate = lambdaState(scope, 'TerminateInstance', {
    lambda: props.terminateInstance,
    comment: 'Nothing to do for a Lambda: without its runner it ends by itself',
    payload: runner,
  });
  terminate.addCatch(failedOne, errorOnly);
  terminate.next(isUnregistered);

  const unregister = lambdaState(scope, 'UnregisterRunner', {
    lambda: props.unregisterRunner,
    comment: 'Through the API, which works when the host is dead',
    payload: runner,
    assign: { unregistered: true },
  });
  // The instance costs money: it goes, whatever GitLab says.
  unregister.addCatch(terminate, { assign: { unregistered: false } });
  unregister.next(terminate);

  const drain = lambdaState(scope, 'DrainRunner', {
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
    Choice.jsonata(scope, 'MayStop', { stateName: 'MayStop' })
      .when(Condition.jsonata("{% $states.input.verdict = 'STOP' %}"), unregister)
      .otherwise(Succeed.jsonata(scope, 'RunnerKept', { stateName: 'RunnerKept', comment: 'Busy, or ended before' })),
  );

  const each = MapState.jsonata(scope, 'StopEach', {
    stateName: 'StopEach',
    items: ProvideItems.jsonata('{% [$states.input.runners] %}'),
  });
  each.itemProcessor(drain);
  return each;
}

/**
 * The end of a workflow that stopped runners: it fails when one of them could not be stopped. Its input is the output
 * of {@link stopEachState}.
 */
export function allStoppedState(scope: Construct): IChainable {
  return Choice.jsonata(scope, 'AllStopped', { stateName: 'AllStopped' })
    .when(
      Condition.jsonata('{% $count($states.input.failed) > 0 %}'),
      Fail.jsonata(scope, 'StopIncomplete', {
        stateName: 'StopIncomplete',
        error: 'StopIncomplete',
        cause: '{% $join($states.input.failed, "; ") %}',
      }),
    )
    .otherwise(Succeed.jsonata(scope, 'Stopped', { stateName: 'Stopped' }));
}
