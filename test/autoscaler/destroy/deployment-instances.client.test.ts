import { EC2Client, EC2ServiceException } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { createDeploymentInstances } from '../../../autoscaler/destroy/deployment-instances.client.ts';

type Command = { readonly constructor: { readonly name: string }; readonly input: Record<string, unknown> };

/** EC2 that answers as it is told. */
function ec2Answering(answer: (command: Command) => unknown) {
  const sent: Command[] = [];
  const ec2 = new EC2Client({ region: 'eu-west-1' });
  ec2.send = (async (command: Command) => {
    sent.push(command);
    return answer(command);
  }) as never;
  return { instances: createDeploymentInstances('ci', ec2), sent };
}
const many = Array.from({ length: 120 }, (_, index) => `i-${String(index).padStart(4, '0')}`);

describe('the instances of a deployment', () => {
  it('are all that have its tag and have not ended, page by page', async () => {
    const pages = [
      { Reservations: [{ Instances: [{ InstanceId: 'i-1', State: { Name: 'running' } }] }], NextToken: 'more' },
      { Reservations: [{ Instances: [{ InstanceId: 'i-2', State: { Name: 'shutting-down' } }] }, {}] },
    ];
    const { instances, sent } = ec2Answering(({ input }) => pages[input.NextToken ? 1 : 0]);
    expect(await instances.list()).toEqual([
      { instanceId: 'i-1', ends: false },
      { instanceId: 'i-2', ends: true },
    ]);
    expect(sent[0]?.input.Filters).toEqual([
      { Name: 'tag:gitlab-runners-on-demand:deployment', Values: ['ci'] },
      { Name: 'instance-state-name', Values: expect.not.arrayContaining(['terminated']) },
    ]);
  });

  it('are terminated with few calls', async () => {
    const { instances, sent } = ec2Answering(() => ({}));
    await instances.terminate(many);
    expect(sent.flatMap(({ input }) => input.InstanceIds)).toEqual(many);
    expect(sent.length).toBeLessThanOrEqual(3);
    await instances.terminate([]);
    expect(sent.length).toBeLessThanOrEqual(3);
  });

  it('are terminated though one of them is refused, which is said', async () => {
    const refused = new EC2ServiceException({ name: 'OperationNotPermitted', $fault: 'client', $metadata: {} });
    const ended: unknown[] = [];
    const { instances } = ec2Answering(({ input }) => {
      const ids = input.InstanceIds as string[];
      if (ids.includes('i-0007')) throw refused;
      ended.push(...ids);
    });
    await expect(instances.terminate(many)).rejects.toBe(refused);
    expect(ended).toHaveLength(many.length - 1);
  });
});
