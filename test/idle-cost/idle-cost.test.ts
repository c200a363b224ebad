import { beforeAll, describe, expect, it } from 'vitest';
import deployments from '../../deployment.config.ts';
import { type Deployment, defineDeployment, deploymentsOf } from '../../infrastructure/deployment/deployment.ts';
import { reconcilerOfAnIdleMonth } from '../autoscaler/reconcile/idle-month.ts';
import { resourcesOf } from './deployment-templates.ts';
import { idleUsageOf, PriceNotKnownError, type Resource } from './idle-resources.ts';
import { sumOf, type Usage, usdOf } from './prices.ts';

const usageOf = (resources: readonly Resource[]): Usage => sumOf(resources.map(idleUsageOf));
const only = (types: RegExp, resources: readonly Resource[]) => resources.filter(({ Type }) => types.test(Type));

/** Its resources, and what they use together with the reconciler. */
async function idleMonthOf(deployment: Deployment) {
  const resources = resourcesOf(deployment);
  return { resources, usage: sumOf([usageOf(resources), (await reconcilerOfAnIdleMonth()).usage]) };
}

describe('a month of the deployment that the repository configures, while nothing happens', () => {
  let everything: readonly Resource[] = [];
  let usage: Usage = {};

  beforeAll(async () => {
    const [deployment] = deploymentsOf(deployments);
    if (!deployment) throw new Error('deployment.config.ts has no deployment');
    ({ resources: everything, usage } = await idleMonthOf(deployment));
  });

  const usdFor = (types: RegExp) => usdOf(usageOf(only(types, everything)));

  it('has 0.80 USD for two secrets, and 1.00 for eight alarms on ten metrics, as many as are free', () => {
    expect(usdFor(/^AWS::SecretsManager::/)).toBeCloseTo(0.8);
    expect(only(/^AWS::CloudWatch::/, everything)).toHaveLength(8);
    expect(usdFor(/^AWS::CloudWatch::/)).toBeCloseTo(1);
    expect(usdOf(usageOf(only(/^AWS::CloudWatch::/, everything)), { alwaysFree: true })).toBe(0);
  });

  it('has two polled queues, which Lambda asks 1.3 million times', () => {
    expect(usageOf(only(/EventSourceMapping$/, everything)).queueRequest).toBeCloseTo(1_314_000);
    expect(usdFor(/EventSourceMapping$/)).toBeCloseTo(0.53);
  });

  it('has about a dollar for the machine image: three that are kept, and a build each week', () => {
    expect(usdFor(/^AWS::ImageBuilder::LifecyclePolicy$/)).toBeCloseTo(0.6);
    expect(usdFor(/^AWS::ImageBuilder::ImagePipeline$/)).toBeCloseTo(0.38);
  });

  it('costs 3.45 USD in all, and 2 in an account with nothing else, where AWS gives the first of much for nothing', () => {
    expect(usdOf(usage)).toBeGreaterThan(3.3);
    expect(usdOf(usage)).toBeLessThan(3.6);
    expect(usdOf(usage, { alwaysFree: true })).toBeGreaterThan(1.9);
    expect(usdOf(usage, { alwaysFree: true })).toBeLessThan(2.1);
  });

  it('publishes no metric, and has nothing that is paid for by the hour', () => {
    const free = { customMetric: 0, dashboard: 0, natGatewayHour: 0, addressHour: 0, endpointHour: 0, keyMonth: 0 };
    expect(usage).toMatchObject(free);
  });
});

it('a deployment of functions alone has no queue to ask and no image to keep: 1.85 USD a month, or 0.88', async () => {
  const { resources, usage } = await idleMonthOf(defineDeployment({ profiles: { shell: { type: 'LAMBDA' } } }));
  expect(only(/EventSourceMapping$/, resources)).toEqual([]);
  expect(only(/^AWS::ImageBuilder::/, resources)).toEqual([]);
  expect(usdOf(usage)).toBeGreaterThan(1.75);
  expect(usdOf(usage)).toBeLessThan(1.95);
  expect(usdOf(usage, { alwaysFree: true })).toBeGreaterThan(0.83);
  expect(usdOf(usage, { alwaysFree: true })).toBeLessThan(0.93);
});

it('a NAT gateway costs more than ten times all the rest', () => {
  const usd = (natGateways: number) =>
    usdOf(usageOf(resourcesOf(defineDeployment({ network: { natGateways } }), ['infrastructure'])));
  expect(usd(1) - usd(0)).toBeCloseTo(36.5);
});

it('a resource without a price is named', () => {
  expect(() => idleUsageOf({ Type: 'AWS::RDS::DBInstance' })).toThrow(PriceNotKnownError);
  expect(() => idleUsageOf({ Type: 'AWS::RDS::DBInstance' })).toThrow(/^AWS::RDS::DBInstance: /);
});
