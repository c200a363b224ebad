/**
 * Everything that the Lambdas count; alarms take the names from here and below, so that none differs by a letter.
 */
export const metricNames = [
  /** Attempts whose runner was started and failed, whether another one follows or not. */
  'AttemptsFailed',
  /** Jobs that get no runner of ours any more, since all attempts failed. */
  'JobsGivenUp',
  /**
   * Looks in vain at a job that waits for no place: GitLab or AWS could not be asked, or said not now. The line says
   * what.
   */
  'StartsDeferred',
  /** The same, of jobs whose mapping names a function or profile that was not deployed. */
  'MappingsRefused',
  /** Rows of the job mappings table that are not valid, counted each time a job comes. */
  'InvalidMappings',
  /** Launches that EC2 refused because the account may have no more of their kind: its quotas want raising. */
  'QuotasReached',
  /** Launches whose token EC2 knew with other parameters: a fault of ours, which may have launched twice. */
  'LaunchTokensReused',
  /** What the reconciler mended; the line says which kinds. */
  'Repairs',
  /** Repairs that failed; they are tried again. */
  'RepairsFailed',
  /** Instances, GitLab runners and tickets that nothing accounts for, in one look. */
  'Unaccounted',
  /** Instances that a person holds back. */
  'HeldInstances',
  /** Jobs that wait although their attempts are used up, in one look. */
  'JobsOutOfAttempts',
  /** Jobs that wait although no cap keeps them, in one look. */
  'JobsDeferred',
  /**
   * Jobs whose runner may not ask for a job yet, since GitLab would give it an earlier one that is to run elsewhere.
   */
  'JobsHeld',
  /** Runners that were let go although an earlier job is to run elsewhere: nobody had started it for too long. */
  'JobsPassed',
  /** For how long the reconciler has seen a job of ours wait without a runner. */
  'OldestWaitSeconds',
  /** Jobs that GitLab gave to a runner of another profile than their mapping names; the line says which. */
  'JobsMisplaced',
  /** Counters of caps that differ from the live items, in one look. */
  'DriftedCounters',
] as const;
export type MetricName = (typeof metricNames)[number];
export type MetricValues = Readonly<Partial<Record<MetricName, number>>>;

/** What CloudWatch counts from the webhook's access log. */
export type WebhookMetricName =
  /** Calls that were refused: without our tokens, or from elsewhere than `gitlab.webhook.allowedNetworks`. */
  | 'WebhooksRefused'
  /** Calls over the limit of calls, which were not looked at. */
  | 'WebhooksThrottled';

export const metricNamespace = 'GitLabRunnersOnDemand';
/** The only dimension: each further one would multiply what CloudWatch charges for. */
export const metricDimension = 'deployment';

/**
 * What makes CloudWatch count from a log line, without a call (embedded metric format). `at`: milliseconds since 1970.
 * Source:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricFields(deployment: string, values: MetricValues, at: number): Readonly<Record<string, unknown>> {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: 'Count' }));
  return {
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [{ Namespace: metricNamespace, Dimensions: [[metricDimension]], Metrics }],
    },
    [metricDimension]: deployment,
    ...values,
  };
}
