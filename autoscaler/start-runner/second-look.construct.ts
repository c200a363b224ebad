import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, Fail, type IChainable, Succeed, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { statusesBeforePending } from '../../infrastructure/kit/job-event-types.ts';
import type { RunnerAnswer } from '../demand/choose-runner.ts';
import { lambdaState } from '../workflow/workflow.construct.ts';

/** Longer than a database replica of GitLab lags behind its hooks, and far shorter than the reconciler takes. */
const secondLookSeconds = 4;

/** Whether ChooseRunner, whose answer is the input, decided so. */
export function decided(decision: RunnerAnswer['decision']): string {
  return `{% $states.input.decision = '${decision}' %}`;
}

/**
 * Where ChooseRunner's failures go, whose note is `$failure`: to `abandon`, which makes an item that says so, unless
 * the hook told of a state before `pending` and GitLab could not be asked. Such a job may never wait at all; once it
 * does, its own hook or the reconciler tells.
 */
export function unlessOnlySuspected(scope: Construct, abandon: IChainable): Choice {
  const statuses = JSON.stringify(statusesBeforePending).replaceAll('"', "'");
  const isSuspected = `$failure.event.status in ${statuses} and $failure.error != 'MappingNotAllowedError'`;
  const notAsked = Fail.jsonata(scope, 'NotAsked', {
    stateName: 'NotAsked',
    error: '{% $failure.error %}',
    cause: '{% $failure.cause %}',
  });
  return Choice.jsonata(scope, 'IsKnownToWait', { stateName: 'IsKnownToWait' })
    .when(Condition.jsonata(`{% ${isSuspected} %}`), notAsked)
    .otherwise(abandon);
}

/**
 * For the states whose answer says where the job runs. From then on the event says what GitLab does; until then it is
 * the one that was told.
 */
export function assignChoice(told: '$states.input' | '$event') {
  return {
    event: `{% $states.result.Payload.event ? $states.result.Payload.event : ${told} %}`,
    choice: '{% $states.result.Payload.choice ? $states.result.Payload.choice : {} %}',
    images: '{% $states.result.Payload.images ? $states.result.Payload.images : {} %}',
  };
}

/**
 * One more look at a job that may become pending in a moment, and no third one: its next event, or the reconciler,
 * tells. The job's event is `$event`, and the answer becomes `$choice` and `$images`.
 */
export function secondLook(scope: Construct, chooseRunner: IFunction) {
  const look = lambdaState(scope, 'LookAgain', {
    lambda: chooseRunner,
    comment: 'ChooseRunner once more',
    payload: '{% $event %}',
    assign: assignChoice('$event'),
  });
  const notPending = Succeed.jsonata(scope, 'NotPending', {
    stateName: 'NotPending',
    comment: 'GitLab does not call the job pending; its next event will tell',
  });
  look.addCatch(notPending, { errors: ['JobNotYetPendingError'] });
  const begin = Wait.jsonata(scope, 'WaitBeforeLookingAgain', {
    stateName: 'WaitBeforeLookingAgain',
    time: WaitTime.duration(Duration.seconds(secondLookSeconds)),
  });
  begin.next(look);
  return {
    begin,
    look,
    whenLaunched(admit: IChainable): void {
      look.next(
        Choice.jsonata(scope, 'WaitsByNow', { stateName: 'WaitsByNow' })
          .when(Condition.jsonata(decided('LAUNCH')), admit)
          .otherwise(notPending),
      );
    },
  };
}
