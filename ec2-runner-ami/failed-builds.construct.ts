import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as EventBusTarget } from 'aws-cdk-lib/aws-events-targets';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { eventBridgeOfThisAccount } from '../infrastructure/kit/cdk/event-bridge-principal.construct.ts';

export type FailedBuildsProps = {
  readonly imageNames: readonly string[];
  /** The deployment's; a failed build is told there too. */
  readonly eventBus: IEventBus;
};

/**
 * Nobody waits for a weekly build, so its failure must show: an event of the deployment's bus, and an alarm that stays
 * for a week, until the next build. Hosts go on with the last image that passed its tests.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-imagebuilder.html
 */
export class FailedBuilds extends Construct {
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, { imageNames, eventBus }: FailedBuildsProps) {
    super(scope, id);
    const teller = new Role(this, 'Teller', { assumedBy: eventBridgeOfThisAccount(this) });
    const rule = new Rule(this, 'Rule', {
      description: 'Builds of runner images that failed',
      eventPattern: {
        source: ['aws.imagebuilder'],
        detailType: ['EC2 Image Builder Image State Change'],
        resources: Match.anyOf(...imageNames.map((name) => Match.prefix(this.imageArn(name)))),
        detail: { state: { status: ['FAILED'] } },
      },
      targets: [new EventBusTarget(eventBus, { role: teller })],
    });
    this.alarm = new Alarm(this, 'Alarm', {
      alarmDescription:
        'The build of a runner image failed: hosts keep starting from the last good image, which gets old',
      metric: new Metric({
        namespace: 'AWS/Events',
        metricName: 'TriggeredRules',
        dimensionsMap: { RuleName: rule.ruleName },
        statistic: 'Sum',
        period: Duration.days(1),
      }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 7,
      datapointsToAlarm: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** As it begins; a version and a build number follow. */
  private imageArn(name: string): string {
    return Stack.of(this).formatArn({ service: 'imagebuilder', resource: 'image', resourceName: `${name}/` });
  }
}
