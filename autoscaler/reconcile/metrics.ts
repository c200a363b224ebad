import type { LogFields } from '../../infrastructure/lib/log.ts';
import type { RepairPlan } from './plan-repairs.ts';
import { type RepairKind, repairKinds } from './repair.ts';

/** Namespace of the deployment's own metrics; each has the dimension `Deployment`. */
export const metricNamespace = 'GitLabRunnersOnDemand';

export const reconcilerMetrics = {
  repairs: 'Repairs',
  repairsFailed: 'RepairsFailed',
  unaccounted: 'Unaccounted',
  held: 'HeldInstances',
  outOfAttempts: 'JobsOutOfAttempts',
  oldestWait: 'OldestJobWithoutRunner',
} as const;

/** Fields that make a log line a metric: what is zero is left out, so that an idle deployment has no metrics to pay. */
export function metricFields(
  deployment: string,
  values: Readonly<Record<string, number>>,
  now: number,
  dimensions: Readonly<Record<string, string>> = {},
): LogFields | null {
  const told = Object.entries(values).filter(([, value]) => value > 0);
  if (told.length === 0) return null;
  const Metrics = told.map(([Name]) => ({ Name, Unit: Name === reconcilerMetrics.oldestWait ? 'Seconds' : 'Count' }));
  const Dimensions = [['Deployment', ...Object.keys(dimensions)]];
  return {
    // Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    _aws: { Timestamp: now, CloudWatchMetrics: [{ Namespace: metricNamespace, Dimensions, Metrics }] },
    Deployment: deployment,
    ...dimensions,
    ...Object.fromEntries(told),
  };
}

/** Seconds for which a job of ours has been seen waiting without a runner. */
export function oldestWaitOf({ memory }: RepairPlan, now: number): number {
  const starts = repairKinds.filter((kind) => kind.startsWith('start-'));
  const waits = Object.entries(memory.suspicions).flatMap(([key, { since, tries }]) => {
    const kind = key.slice(0, key.indexOf(' ')) as RepairKind;
    // A job that still has no item after two events is one that the mappings leave to others.
    const isOurs = kind !== 'start-lost-job' || tries <= 2;
    return starts.includes(kind) && isOurs ? [(now - since) / 1_000] : [];
  });
  return Math.max(0, ...waits);
}
