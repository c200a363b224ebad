import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { EventBridgePutEvents } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { jobEventSource } from '../../infrastructure/kit/job-event-types.ts';
import { runnerUnwantedType } from '../events/runner-unwanted.ts';
import { askForRunnerState, startWaitingJobsState } from '../workflow/ask-for-runner.construct.ts';
import { failWithErrorOf, lambdaState } from '../workflow/workflow.construct.ts';
import { retryPassingTrouble } from '../workflow/workflow-retries.construct.ts';

/**
 * AbandonRunner and what follows: undo the attempt, let waiting jobs have its place, ask again after a while if that is
 * due here, and end as failed when an attempt failed, so that the failure shows in the workflow's metrics. `failure` is
 * the JSONata expression of what AbandonRunner takes.
 */
export function abandonStates(
  scope: Construct,
  { abandonRunner, eventBus }: { readonly abandonRunner: IFunction; readonly eventBus: IEventBus },
  failure: string,
): IChainable {
  const failed = Fail.jsonata(scope, 'RunnerAbandoned', {
    stateName: 'RunnerAbandoned',
    error: '{% $failure.error %}',
    cause: '{% $failure.cause %}',
  });
  const outcome = Choice.jsonata(scope, 'HasAttemptFailed', { stateName: 'HasAttemptFailed' })
    .when(Condition.jsonata('{% $exists($failure.error) %}'), failed)
    .otherwise(
      Succeed.jsonata(scope, 'JobWaits', {
        stateName: 'JobWaits',
        comment: 'No runner could be started for it yet, or nothing was to be undone',
      }),
    );
  const askAgain = askForRunnerState(scope, 'AskAgain', eventBus, '{% $retry %}');
  const wait = Wait.jsonata(scope, 'WaitBeforeAskingAgain', {
    stateName: 'WaitBeforeAskingAgain',
    time: WaitTime.seconds('{% $retryAfterSeconds %}' as never),
  });
  const endWithJob = EventBridgePutEvents.jsonata(scope, 'EndWithItsJob', {
    stateName: 'EndWithItsJob',
    comment: 'Its host is dead, and GitLab still waits for the job that it had',
    entries: [
      {
        source: jobEventSource,
        detailType: runnerUnwantedType,
        eventBus,
        detail: TaskInput.fromText('{% $unwanted %}'),
      },
    ],
  });
  endWithJob.addRetry({ ...retryPassingTrouble, errors: ['States.ALL'] });
  endWithJob.next(outcome);
  const mayRetry = Choice.jsonata(scope, 'IsAnotherAttemptUseful', { stateName: 'IsAnotherAttemptUseful' })
    .when(Condition.jsonata('{% $exists($unwanted.jobId) %}'), endWithJob)
    .when(Condition.jsonata('{% $exists($retry.jobId) %}'), wait.next(askAgain).next(outcome))
    .otherwise(outcome);
  const abandon = lambdaState(scope, 'AbandonRunner', {
    lambda: abandonRunner,
    comment: 'Undo what the attempt has done; the input names job, attempt and error',
    payload: failure,
    assign: {
      failure: '{% $states.result.Payload.failure %}',
      retry: '{% $states.result.Payload.retry %}',
      unwanted: '{% $states.result.Payload.unwanted %}',
      retryAfterSeconds: '{% $states.result.Payload.retryAfterSeconds %}',
    },
  });
  failWithErrorOf(abandon, scope, 'AbandonFailed');
  const startWaiting = startWaitingJobsState(scope, 'StartWaitingJobs', eventBus);
  // Who waits can wait for another place; this job has nothing else to hope for.
  startWaiting.addCatch(mayRetry);
  return abandon.next(startWaiting).next(mayRetry);
}
