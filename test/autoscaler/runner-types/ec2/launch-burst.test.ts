import { describe, expect, it } from 'vitest';
import { autoscalerTemplate } from '../../autoscaler-template.ts';
import { type Burst, simulateBurst } from './launch-burst.ts';

/** 500 jobs, with the launcher as it is deployed. */
const burst: Burst = { jobs: 500, batchSize: 10, consumers: 5, arrivalSeconds: 2, seed: 1 };

describe('a burst of 500 pending jobs, under EC2’s own throttle', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'has its last instance requested within 60 virtual seconds: seed %i',
    async (seed) => {
      const { lastRequestedSeconds, instances, served, failed } = await simulateBurst({ ...burst, seed });
      expect({ instances, served, failed }).toEqual({ instances: 500, served: 500, failed: 0 });
      expect(lastRequestedSeconds).toBeLessThan(60);
    },
  );

  it.each([
    ['all at the same moment', { arrivalSeconds: 0 }],
    ['over 20 seconds', { arrivalSeconds: 20 }],
    ['and gets them from the queue a few at a time', { partialBatches: true }],
  ])('has it also when they come %s', async (_, changes) => {
    const { lastRequestedSeconds, instances, served } = await simulateBurst({ ...burst, ...changes });
    expect({ instances, served }).toEqual({ instances: 500, served: 500 });
    expect(lastRequestedSeconds).toBeLessThan(60);
  });

  it('would have it minutes later with a call for each job', async () => {
    const alone = await simulateBurst({ ...burst, batchSize: 1 });
    // 5 calls at once, and two more each second: no way of waiting is faster.
    expect(alone.calls).toBe(500);
    expect(alone.lastRequestedSeconds).toBeGreaterThanOrEqual((500 - 5) / 2);
  });

  it('is simulated with the batches and the concurrency that are deployed', () => {
    const sources = Object.values(autoscalerTemplate().findResources('AWS::Lambda::EventSourceMapping')).map(
      ({ Properties }) => Properties,
    );
    expect(sources).toContainEqual(
      expect.objectContaining({
        BatchSize: burst.batchSize,
        ScalingConfig: { MaximumConcurrency: burst.consumers },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      }),
    );
  });
});
