export const daysAMonth = 365 / 12;
export const hoursAMonth = 24 * daysAMonth;

/**
 * USD in us-east-1, and what of it costs nothing in any month, however old the account is ("always free"; it is shared
 * by all of an account). From the services' pricing pages, 2026; other regions are up to a fifth dearer.
 */
const prices = {
  // https://aws.amazon.com/secrets-manager/pricing/
  secretMonth: { usd: 0.4, free: 0 },
  secretRead: { usd: 0.05 / 1e4, free: 0 },
  // https://aws.amazon.com/cloudwatch/pricing/ An alarm on an expression counts once for each metric in it.
  alarmMetric: { usd: 0.1, free: 10 },
  customMetric: { usd: 0.3, free: 10 },
  dashboard: { usd: 3, free: 3 },
  logGigabyte: { usd: 0.5, free: 5 },
  // https://aws.amazon.com/sqs/pricing/
  queueRequest: { usd: 0.4 / 1e6, free: 1e6 },
  // https://aws.amazon.com/lambda/pricing/ Arm.
  lambdaCall: { usd: 0.2 / 1e6, free: 1e6 },
  lambdaGibibyteSecond: { usd: 0.000_013_333_4, free: 400_000 },
  // https://aws.amazon.com/dynamodb/pricing/on-demand/ Its free tier is of provisioned capacity alone.
  readUnit: { usd: 0.125 / 1e6, free: 0 },
  writeUnit: { usd: 0.625 / 1e6, free: 0 },
  // https://aws.amazon.com/ecr/pricing/ Half a gigabyte is free in an account's first year only.
  imageGigabyteMonth: { usd: 0.1, free: 0 },
  // https://aws.amazon.com/ebs/pricing/
  snapshotGigabyteMonth: { usd: 0.05, free: 0 },
  // https://aws.amazon.com/ec2/pricing/on-demand/ m7a.large, the dearest but one of those that an image may be built
  // on.
  buildHour: { usd: 0.115_92, free: 0 },
  // https://aws.amazon.com/vpc/pricing/
  natGatewayHour: { usd: 0.045, free: 0 },
  addressHour: { usd: 0.005, free: 0 },
  endpointHour: { usd: 0.01, free: 0 },
  // https://aws.amazon.com/kms/pricing/
  keyMonth: { usd: 1, free: 0 },
  // https://aws.amazon.com/systems-manager/pricing/
  advancedParameterMonth: { usd: 0.05, free: 0 },
} as const satisfies Record<string, { readonly usd: number; readonly free: number }>;

type Priced = keyof typeof prices;
/** So much of each in a month. */
export type Usage = Readonly<Partial<Record<Priced, number>>>;

const priced = Object.keys(prices) as Priced[];

export function sumOf(usages: readonly Usage[]): Usage {
  const total = (name: Priced) => usages.reduce((sum, usage) => sum + (usage[name] ?? 0), 0);
  return Object.fromEntries(priced.map((name) => [name, total(name)]));
}

/** What a month's usage costs; `alwaysFree`: in an account that has nothing else. */
export function usdOf(usage: Usage, { alwaysFree = false } = {}): number {
  const paid = (name: Priced) => Math.max(0, (usage[name] ?? 0) - (alwaysFree ? prices[name].free : 0));
  return priced.reduce((sum, name) => sum + paid(name) * prices[name].usd, 0);
}
