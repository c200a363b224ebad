import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Map as MapState, ProvideItems, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { EventBridgePutEvents } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { type JobEventType, jobEventSource } from '../../infrastructure/kit/job-event-types.ts';
import { retryPassingTrouble } from './workflow-retries.construct.ts';

const pending: JobEventType = 'Job Pending';

/**
 * A state that asks for a job's runner (again): its event goes on the bus once more. `event` is a JSONata expression.
 */
export function askForRunnerState(
  scope: Construct,
  name: string,
  eventBus: IEventBus,
  event: string,
): EventBridgePutEvents {
  const state = EventBridgePutEvents.jsonata(scope, name, {
    stateName: name,
    entries: [{ source: jobEventSource, detailType: pending, eventBus, detail: TaskInput.fromText(event) }],
  });
  state.addRetry({ ...retryPassingTrouble, errors: ['States.ALL'] });
  return state;
}

/** A state that lets the jobs start that waited for a place. Its input holds their events as `next`. */
export function startWaitingJobsState(scope: Construct, name: string, eventBus: IEventBus): MapState {
  const map = MapState.jsonata(scope, name, {
    stateName: name,
    comment: 'A place became free: the job that waited longest asks again',
    items: ProvideItems.jsonata('{% [$states.input.next] %}'),
  });
  map.itemProcessor(askForRunnerState(scope, `${name}Event`, eventBus, '{% $states.input %}'));
  return map;
}
