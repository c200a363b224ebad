import { Duration } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Alarm, ComparisonOperator, type IMetric, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { FilterPattern, type IFilterPattern, type LogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { metricDimension, metricNamespace, type WebhookMetricName } from '../kit/lambda/metrics.ts';

/** GitLab disables a hook after so many calls in a row that failed, for a minute first and for a day later. */
const failuresThatDisableHook = 4;
/** A project with few jobs needs a while for that many; who is disabled calls no more. */
const refusalsMinutes = 15;

export type WebhookAlarmsProps = {
  readonly deploymentName: string;
  readonly alarmTopicArn: string | undefined;
  readonly api: HttpApi;
  /** One line of JSON for each request, with `status` as text and the deployment's name in the metrics' dimension. */
  readonly accessLog: LogGroup;
};

/**
 * Tells of hooks that do not arrive: GitLab sends none again, and the reconciler needs minutes to make up for it. An
 * HTTP API counts 4xx and 5xx alone, and what is throttled reaches no function, so refused and throttled requests are
 * counted from the access log. Sources:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html,
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export class WebhookAlarms extends Construct {
  readonly #props: WebhookAlarmsProps;

  constructor(scope: Construct, id: string, props: WebhookAlarmsProps) {
    super(scope, id);
    this.#props = props;
    this.alarm('Refused', {
      description:
        `The webhook refused ${failuresThatDisableHook} calls in ${refusalsMinutes} minutes, after as many GitLab disables a hook: ` +
        'one with other tokens than ours, or a stranger; the access log says from where, and the log of receive-job-hook why',
      metric: this.countedFromLog(
        'WebhooksRefused',
        FilterPattern.any(...['401', '403'].map(hasStatus)),
        refusalsMinutes,
      ),
      threshold: failuresThatDisableHook,
    });
    this.alarm('Throttled', {
      description: 'Calls of the webhook were answered 429: jobs whose hooks were among them wait for the reconciler',
      metric: this.countedFromLog('WebhooksThrottled', hasStatus('429'), 5),
    });
    this.alarm('Failing', {
      description: 'The webhook answered 5xx in ten of fifteen minutes; the log of receive-job-hook says what failed',
      metric: new Metric({
        namespace: 'AWS/ApiGateway',
        metricName: '5xx',
        dimensionsMap: { ApiId: props.api.apiId },
        statistic: Stats.SUM,
        period: Duration.minutes(5),
      }),
      periods: 3,
      breachingPeriods: 2,
    });
  }

  private countedFromLog(metricName: WebhookMetricName, filterPattern: IFilterPattern, minutes: number): IMetric {
    const { accessLog, deploymentName } = this.#props;
    new MetricFilter(this, `${metricName}Filter`, {
      logGroup: accessLog,
      filterPattern,
      metricNamespace,
      metricName,
      metricValue: '1',
      dimensions: { [metricDimension]: `$.${metricDimension}` },
    });
    return new Metric({
      namespace: metricNamespace,
      metricName,
      dimensionsMap: { [metricDimension]: deploymentName },
      statistic: Stats.SUM,
      period: Duration.minutes(minutes),
    });
  }

  private alarm(
    id: string,
    {
      description,
      metric,
      threshold = 1,
      periods = 1,
      breachingPeriods = periods,
    }: {
      readonly description: string;
      readonly metric: IMetric;
      readonly threshold?: number;
      readonly periods?: number;
      readonly breachingPeriods?: number;
    },
  ): void {
    const { deploymentName, alarmTopicArn } = this.#props;
    const alarm = new Alarm(this, id, {
      alarmDescription: `${deploymentName}: ${description}`,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      datapointsToAlarm: breachingPeriods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (alarmTopicArn) alarm.addAlarmAction(new SnsAction(Topic.fromTopicArn(this, `${id}Topic`, alarmTopicArn)));
  }
}

/** Of the webhook's addresses: at the others nobody misses an answer. */
function hasStatus(status: string) {
  return FilterPattern.all(
    FilterPattern.stringValue('$.path', '=', '/webhook*'),
    FilterPattern.stringValue('$.status', '=', status),
  );
}
