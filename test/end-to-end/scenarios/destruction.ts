import { EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import { deploymentTag } from '../../../infrastructure/deployment/deployment-tag.ts';
import type { World } from '../world.ts';

/** The last scenario: afterwards there is no autoscaler any more. */
export function destruction(world: () => World): void {
  it('destroys the autoscaler with all its instances and GitLab runners, while jobs run', async () => {
    const { run } = world();
    const jobs = world().startPipeline('endless: { tags: [aws, big], parallel: 2, script: [sleep 240] }');
    for (const job of jobs) await world().untilState(job, 'RUNNING');
    expect(world().runners()).toHaveLength(2);

    // The CDK cannot work while IAM is enforced here.
    await run.aws.enforceIam(false);
    await run.destroy('autoscaler');

    const instances: (string | undefined)[] = [];
    const Filters = [
      { Name: `tag:${deploymentTag}`, Values: [run.deployment] },
      { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped', 'shutting-down'] },
    ];
    for await (const page of paginateDescribeInstances({ client: new EC2Client(run.clientOptions()) }, { Filters })) {
      for (const { Instances = [] } of page.Reservations ?? [])
        instances.push(...Instances.map((one) => one.InstanceId));
    }
    expect(instances).toEqual([]);
    // What a person made stays, without a host.
    expect(run.gitlab.runners()).toMatchObject([{ id: run.longLivedRunnerId, systemIds: [] }]);
  });
}
