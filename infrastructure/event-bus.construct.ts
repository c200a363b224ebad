import { Aws, Duration } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { jobEventSource } from './kit/job-event-types.ts';

/** Long enough to look into an incident after a weekend. */
const archiveDays = 7;

/** The bus with the job events, and an archive of them for replay. */
export class JobEventBus extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', {
      // The name that CDK would make is the same for two deployments in one account; the stack's is not.
      eventBusName: `${Aws.STACK_NAME}-job-events`,
      description: 'Job events from GitLab, as the ingest Lambda puts them',
    });
    this.bus.archive('Archive', {
      description: 'Job events of the last days, to replay after an incident',
      eventPattern: { source: [jobEventSource] },
      retention: Duration.days(archiveDays),
    });
  }
}
