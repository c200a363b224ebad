import { describe, expect, it } from 'vitest';
import { terminateInstance } from '../../../autoscaler/stop-runner/terminate-instance.lambda.ts';
import { inMemoryInstances } from '../../support/in-memory-instances.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import { launchSource } from '../runner-types/ec2/launch-world.ts';

const toStop = { job: 'job#7#1', attempt: 1, type: 'EC2', runnerId: 101, instanceId: 'i-0001', reason: 'r' } as const;
const request = { source: launchSource(), lifecycle: 'spot', count: 2, tags: {} } as const;

describe('terminateInstance', () => {
  it('terminates the runner’s instance, and no other, however often it is asked', async () => {
    const instances = inMemoryInstances();
    await instances.launch(request, 'token');
    await terminateInstance(toStop, { instances }, lambdaContext());
    await terminateInstance(toStop, { instances }, lambdaContext());
    expect([...instances.running.keys()]).toEqual(['i-0002']);
  });

  it('has nothing to do for a runner without an instance', async () => {
    const instances = { terminate: () => Promise.reject(new Error('asked EC2')) };
    await expect(
      terminateInstance({ ...toStop, instanceId: null }, { instances }, lambdaContext()),
    ).resolves.toBeUndefined();
  });
});
