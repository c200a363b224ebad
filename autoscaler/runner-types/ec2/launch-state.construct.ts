import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SqsSendMessage } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { retryPassingTrouble } from '../../workflow/workflow-retries.construct.ts';

const launchRequest =
  "{'projectId': $event.projectId, 'jobId': $event.jobId, 'attempt': $attempt, 'profile': $choice.profile, " +
  "'onDemandOnly': $onDemandOnly}";

/** Asks for an instance with a `LaunchRequest`, from the variables of the workflow that starts runners. */
export function requestInstanceState(scope: Construct, queue: IQueue): SqsSendMessage {
  const state = SqsSendMessage.jsonata(scope, 'RequestInstance', {
    stateName: 'RequestInstance',
    comment: 'Launches are taken together, ten at a time: EC2 takes about two calls a second',
    queue,
    messageBody: TaskInput.fromText(`{% $string(${launchRequest}) %}`),
  });
  state.addRetry({ ...retryPassingTrouble, errors: ['States.ALL'] });
  return state;
}
