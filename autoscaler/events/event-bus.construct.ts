import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';

/** Lets a Lambda put events on the bus, and says which bus that is. */
export function grantPutEvents(lambda: LambdaFunction, eventBus: IEventBus): void {
  lambda.addEnvironment('EVENT_BUS_ARN', eventBus.eventBusArn);
  eventBus.grantPutEventsTo(lambda);
}
