import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Deployment } from '../../infrastructure/deployment/deployment.ts';
import type { BundledFunction } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';
import { type MetricName, metricDimension, metricNamespace } from '../../infrastructure/kit/lambda/metrics.ts';

export type ReconcilerProps = {
  readonly deployment: Deployment;
  readonly reconcile: BundledFunction;
  readonly deadLetters: readonly Queue[];
};

/**
 * Calls the reconciler every minute, and raises an alarm where people are needed. A rule, since schedules of rules are
 * free; no reserved concurrency, which accounts with small limits do not give: two passes at the same time do no harm
 * (the memory's version lets one mend).
 */
export class Reconciler extends Construct {
  readonly #deployment: Deployment;

  constructor(scope: Construct, id: string, { deployment, reconcile, deadLetters }: ReconcilerProps) {
    super(scope, id);
    this.#deployment = deployment;
    // A pass that failed is not repeated: the next one begins within a minute.
    reconcile.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    new Rule(this, 'EveryMinute', {
      description: 'Calls the reconciler',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(reconcile, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });

    const own = (metricName: MetricName, statistic = Stats.MAXIMUM) =>
      new Metric({
        namespace: metricNamespace,
        metricName,
        dimensionsMap: { [metricDimension]: deployment.name },
        statistic,
        period: Duration.minutes(5),
      });
    const each = { statistic: Stats.SUM, period: Duration.minutes(5) };
    this.alarm('PassesMissing', {
      description: 'The reconciler had no complete pass in ten minutes: lost events and dead hosts are found by nobody',
      metric: new MathExpression({
        expression: 'FILL(calls, 0) - FILL(errors, 0)',
        usingMetrics: { calls: reconcile.metricInvocations(each), errors: reconcile.metricErrors(each) },
        period: Duration.minutes(5),
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 2,
      missing: TreatMissingData.BREACHING,
    });
    this.alarm('RepairsFail', {
      description: 'Repairs of the reconciler failed for a quarter of an hour; its log says which, and why',
      metric: own('RepairsFailed'),
      periods: 3,
    });
    this.alarm('JobsOutOfAttempts', {
      description: 'Jobs wait that had all the attempts of maxAttempts; "cli status" shows them with their failures',
      metric: own('JobsOutOfAttempts'),
    });
    this.alarm('DeadLetters', {
      description:
        'Events or launches could not be handled; "cli dead-letters ls" shows them, "redrive" sends them again',
      metric: new MathExpression({
        expression: deadLetters.map((_, index) => `queue${index}`).join(' + '),
        usingMetrics: Object.fromEntries(
          deadLetters.map((queue, index) => [
            `queue${index}`,
            queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
          ]),
        ),
        period: Duration.minutes(5),
      }),
    });
  }

  private alarm(
    id: string,
    {
      description,
      metric,
      threshold = 1,
      comparison = ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      periods = 1,
      missing = TreatMissingData.NOT_BREACHING,
    }: {
      readonly description: string;
      readonly metric: IMetric;
      readonly threshold?: number;
      readonly comparison?: ComparisonOperator;
      readonly periods?: number;
      readonly missing?: TreatMissingData;
    },
  ): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `${this.#deployment.name}: ${description}`,
      metric,
      threshold,
      comparisonOperator: comparison,
      evaluationPeriods: periods,
      treatMissingData: missing,
    });
    const { alarmTopicArn } = this.#deployment;
    if (alarmTopicArn) alarm.addAlarmAction(new SnsAction(Topic.fromTopicArn(this, `${id}Topic`, alarmTopicArn)));
  }
}
