import { hoursAMonth, type Usage } from './prices.ts';

export type Resource = { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> };
type Properties = NonNullable<Resource['Properties']>;

/**
 * Lambda asks an empty queue with five pollers, each of which waits for twenty seconds: fifteen empty receives a
 * minute, as users count them. It may come down to two pollers, but not where a maximum concurrency is set. Sources:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html, https://github.com/getlift/lift/issues/132
 */
const pollers = 5;
const pollSeconds = 20;

/**
 * An estimate, not measured on AWS: of the image's disk, what Amazon Linux, docker, gitlab-runner and its helper image
 * take.
 */
const imageGigabytes = 4;
/** An estimate too: half an hour of building, a quarter of testing. */
const buildHours = 0.75;
const buildsAMonth = 365 / 7 / 12;
/** The Lambda runner's image as ECR keeps it, an estimate. It stands in the repository of the CDK's bootstrap. */
const functionImageGigabytes = 0.5;

const nothing = () => ({});

/** What each type of resource uses while nothing happens. What is paid for by use alone uses nothing. */
const usages: Readonly<Record<string, (properties: Properties) => Usage>> = {
  'AWS::ApiGatewayV2::Api': nothing,
  'AWS::ApiGatewayV2::Integration': nothing,
  'AWS::ApiGatewayV2::Route': nothing,
  'AWS::ApiGatewayV2::Stage': nothing,
  'AWS::CloudFormation::WaitConditionHandle': nothing,
  'AWS::CloudWatch::Alarm': ({ Metrics }) => ({ alarmMetric: metricsOf(Metrics) }),
  'AWS::CloudWatch::Dashboard': () => ({ dashboard: 1 }),
  // On demand, with a few kilobytes of mappings; the reconciler's reads are counted with it.
  'AWS::DynamoDB::Table': ({ BillingMode }) => {
    if (BillingMode !== 'PAY_PER_REQUEST') throw new Error('a table with provisioned capacity costs all the time');
    return {};
  },
  'AWS::EC2::EIP': () => ({ addressHour: hoursAMonth }),
  'AWS::EC2::InternetGateway': nothing,
  'AWS::EC2::LaunchTemplate': nothing,
  'AWS::EC2::NatGateway': () => ({ natGatewayHour: hoursAMonth }),
  'AWS::EC2::Route': nothing,
  'AWS::EC2::RouteTable': nothing,
  'AWS::EC2::SecurityGroup': nothing,
  'AWS::EC2::Subnet': nothing,
  'AWS::EC2::SubnetRouteTableAssociation': nothing,
  'AWS::EC2::VPC': nothing,
  'AWS::EC2::VPCEndpoint': ({ VpcEndpointType, SubnetIds }) =>
    VpcEndpointType === 'Gateway' ? {} : { endpointHour: hoursAMonth * (SubnetIds as readonly unknown[]).length },
  'AWS::EC2::VPCGatewayAttachment': nothing,
  // Users' own images, when they push any.
  'AWS::ECR::Repository': nothing,
  // Job events alone, which there are none of.
  'AWS::Events::Archive': nothing,
  'AWS::Events::EventBus': nothing,
  // Rules, their schedules and AWS's own events are free.
  'AWS::Events::Rule': nothing,
  'AWS::IAM::InstanceProfile': nothing,
  'AWS::IAM::Policy': nothing,
  'AWS::IAM::Role': nothing,
  'AWS::ImageBuilder::Component': nothing,
  'AWS::ImageBuilder::DistributionConfiguration': nothing,
  // The images are counted where their number is said.
  'AWS::ImageBuilder::Image': nothing,
  'AWS::ImageBuilder::ImagePipeline': ({ Schedule }) => (Schedule ? { buildHour: buildHours * buildsAMonth } : {}),
  'AWS::ImageBuilder::ImageRecipe': nothing,
  'AWS::ImageBuilder::InfrastructureConfiguration': nothing,
  'AWS::ImageBuilder::LifecyclePolicy': ({ PolicyDetails }) => ({
    snapshotGigabyteMonth: imageGigabytes * keptBy(PolicyDetails),
  }),
  'AWS::KMS::Key': () => ({ keyMonth: 1 }),
  'AWS::Lambda::EventInvokeConfig': nothing,
  'AWS::Lambda::EventSourceMapping': ({ ProvisionedPollerConfig }) => {
    if (ProvisionedPollerConfig) throw new Error('provisioned pollers are paid for by the hour: give them a price');
    return { queueRequest: (pollers * hoursAMonth * 3_600) / pollSeconds };
  },
  'AWS::Lambda::Function': ({ PackageType }) =>
    PackageType === 'Image' ? { imageGigabyteMonth: functionImageGigabytes } : {},
  'AWS::Lambda::Permission': nothing,
  // Who writes while nothing happens is the reconciler; its lines are counted with it.
  'AWS::Logs::LogGroup': nothing,
  // Its metric is paid for in the hours in which something is counted.
  'AWS::Logs::MetricFilter': nothing,
  'AWS::S3::Bucket': nothing,
  'AWS::S3::BucketPolicy': nothing,
  'AWS::SQS::Queue': nothing,
  'AWS::SQS::QueuePolicy': nothing,
  'AWS::SSM::Parameter': ({ Tier }) => (Tier === 'Advanced' ? { advancedParameterMonth: 1 } : {}),
  'AWS::SecretsManager::Secret': () => ({ secretMonth: 1 }),
  // Express: paid for by execution.
  'AWS::StepFunctions::StateMachine': ({ StateMachineType }) => {
    if (StateMachineType !== 'EXPRESS') throw new Error('only express workflows are known to cost nothing here');
    return {};
  },
  'Custom::RunnerRemoval': nothing,
  'Custom::S3AutoDeleteObjects': nothing,
};

export class PriceNotKnownError extends Error {
  override readonly name = 'PriceNotKnownError';
}

/** @throws {PriceNotKnownError} for a type that nobody said the price of. */
export function idleUsageOf({ Type, Properties = {} }: Resource): Usage {
  const usage = usages[Type];
  if (!usage) {
    throw new PriceNotKnownError(`${Type}: say in idle-resources.ts what it costs while nothing happens`);
  }
  return usage(Properties);
}

function metricsOf(metrics: unknown): number {
  if (!Array.isArray(metrics)) return 1;
  return metrics.filter((query: { readonly MetricStat?: unknown }) => query.MetricStat).length;
}

function keptBy(policyDetails: unknown): number {
  const counts = (policyDetails as { Filter: { Type: string; Value: number } }[]).filter(
    ({ Filter }) => Filter.Type === 'COUNT',
  );
  return counts.reduce((sum, { Filter }) => sum + Filter.Value, 0);
}
