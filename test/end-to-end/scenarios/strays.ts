import {
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import { noteOfRunner } from '../../../autoscaler/runner-store/runner-mark.ts';
import { holdTag } from '../../../autoscaler/runner-types/ec2/instance-tags.ts';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { World } from '../world.ts';

export function strays(world: () => World): void {
  const ec2 = () => new EC2Client(world().run.clientOptions());

  async function launch(tags: Record<string, string>): Promise<string> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const request = { ImageId: 'ami-0123456789abcdef0', MinCount: 1, MaxCount: 1, InstanceType: 'm7a.large' } as const;
    const specification = { ResourceType: 'instance', Tags } as const;
    const { Instances = [] } = await ec2().send(
      new RunInstancesCommand({ ...request, TagSpecifications: [specification] }),
    );
    return Instances[0]?.InstanceId ?? '';
  }

  async function stateOf(instanceId: string): Promise<string | undefined> {
    const { Reservations = [] } = await ec2().send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    return Reservations[0]?.Instances?.[0]?.State?.Name;
  }

  const gitlabApi = (method: string, path: string, body?: object) =>
    fetch(`${world().run.gitlab.url}/api/v4${path}`, {
      method,
      headers: { 'private-token': world().run.gitlab.adminToken, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });

  async function makeRunner(maintenance_note: string): Promise<number> {
    const { deployment } = world().run;
    const settings = { runner_type: 'project_type', project_id: world().projectId, tag_list: ['stray'] };
    const description = `${deployment} ec2 for a job of long ago`;
    const answer = await gitlabApi('POST', '/user/runners', { ...settings, description, maintenance_note });
    return ((await answer.json()) as { readonly id: number }).id;
  }

  /** Half a minute: fifteen seconds until they count as settled, and two looks. */
  it('removes an instance and a GitLab runner of ours that no job has, and not what somebody holds or owns', async () => {
    const { deployment, gitlab } = world().run;
    const left = await launch({ [deploymentTag]: deployment });
    const held = await launch({ [deploymentTag]: deployment, [holdTag]: 'look into it tomorrow' });
    const job = `job#${world().projectId}#1` as const;
    const ours = await makeRunner(noteOfRunner({ deployment, job, attempt: 1 }));
    const foreign = await makeRunner('somebody else wrote this');
    const ids = () => gitlab.runners().map(({ id }) => id);
    expect(ids()).toEqual(expect.arrayContaining([ours, foreign]));

    await world().withPasses(() =>
      world().until('both strays to be gone', async () => {
        const state = await stateOf(left);
        return !ids().includes(ours) && (state === undefined || state === 'terminated');
      }),
    );
    expect(await stateOf(held)).toBe('running');
    expect(ids()).toContain(foreign);

    await ec2().send(new TerminateInstancesCommand({ InstanceIds: [held] }));
    await gitlabApi('DELETE', `/runners/${foreign}`);
    await world().untilNothingIsLeft();
  });
}
