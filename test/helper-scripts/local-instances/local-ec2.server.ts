import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Stored = {
  state: 'running' | 'stopped' | 'terminated';
  readonly userData: string;
  readonly tagged: boolean;
  readonly shutdownBehavior: 'stop' | 'terminate';
};

/** As much of the EC2, IAM and STS query APIs as a host for instances asks, over instances that the test makes up. */
export async function startLocalEc2() {
  const instances = new Map<string, Stored>();
  const sessionNames: string[] = [];
  const interruptions: string[] = [];
  let reachable = true;
  const server = createServer(async (request, response) => {
    const body = new URLSearchParams(await text(request));
    const answer = reachable ? answerTo(body) : null;
    response.writeHead(answer ? 200 : 503, { 'content-type': 'text/xml' }).end(answer ?? '');
  });

  function answerTo(body: URLSearchParams): string | null {
    const id = body.get('InstanceId') ?? body.get('InstanceId.1') ?? '';
    switch (body.get('Action')) {
      case 'DescribeInstances':
        return describeInstances(filtersOf(body));
      case 'DescribeInstanceAttribute': {
        const asked = body.get('Attribute') ?? '';
        const { userData = '', shutdownBehavior = 'stop' } = instances.get(id) ?? {};
        const value = asked === 'userData' ? Buffer.from(userData).toString('base64') : shutdownBehavior;
        return `<DescribeInstanceAttributeResponse><instanceId>${id}</instanceId><${asked}><value>${value}</value></${asked}></DescribeInstanceAttributeResponse>`;
      }
      case 'TerminateInstances':
        terminate(id);
        return '<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>';
      case 'StopInstances':
        end(id, 'stopped');
        return '<StopInstancesResponse><instancesSet/></StopInstancesResponse>';
      case 'SendSpotInstanceInterruptions':
        interruptions.push(id);
        return '<SendSpotInstanceInterruptionsResponse><return>true</return></SendSpotInstanceInterruptionsResponse>';
      case 'GetInstanceProfile':
        return `<GetInstanceProfileResponse><GetInstanceProfileResult><InstanceProfile><Roles><member><RoleName>runner-role</RoleName><Arn>arn:aws:iam::000000000000:role/runner-role</Arn></member></Roles></InstanceProfile></GetInstanceProfileResult></GetInstanceProfileResponse>`;
      case 'AssumeRole':
        sessionNames.push(body.get('RoleSessionName') ?? '');
        return `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAFAKE</AccessKeyId><SecretAccessKey>not-a-real-secret</SecretAccessKey><SessionToken>session-of-${body.get('RoleArn')}</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
      default:
        return null;
    }
  }

  function describeInstances(filters: ReadonlyMap<string, string>): string {
    const shown = [...instances].filter(
      ([, { state, tagged }]) =>
        state === filters.get('instance-state-name') &&
        tagged &&
        filters.get('tag-key') === 'gitlab-runners-on-demand:deployment',
    );
    const items = shown.map(
      ([id, { state }]) =>
        `<item><instanceId>${id}</instanceId><imageId>ami-1</imageId><instanceState><name>${state}</name></instanceState><instanceType>m7a.large</instanceType><placement><availabilityZone>eu-west-1b</availabilityZone></placement><iamInstanceProfile><arn>arn:aws:iam::000000000000:instance-profile/runner-profile</arn></iamInstanceProfile><tagSet><item><key>gitlab-runners-on-demand:deployment</key><value>ci</value></item></tagSet></item>`,
    );
    return `<DescribeInstancesResponse><reservationSet><item><ownerId>000000000000</ownerId><instancesSet>${items.join('')}</instancesSet></item></reservationSet></DescribeInstancesResponse>`;
  }

  function end(id: string, state: 'stopped' | 'terminated'): void {
    const instance = instances.get(id);
    if (instance) instance.state = state;
  }

  const terminate = (id: string): void => end(id, 'terminated');

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    launch(
      id: string,
      userData: string,
      { tagged = true, shutdownBehavior = 'terminate' }: Partial<Pick<Stored, 'tagged' | 'shutdownBehavior'>> = {},
    ) {
      instances.set(id, { state: 'running', userData, tagged, shutdownBehavior });
    },
    terminate,
    stateOf: (id: string) => instances.get(id)?.state,
    sessionNames,
    interruptions,
    setReachable(value: boolean) {
      reachable = value;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function filtersOf(body: URLSearchParams): ReadonlyMap<string, string> {
  const filters = new Map<string, string>();
  for (let index = 1; body.has(`Filter.${index}.Name`); index += 1) {
    filters.set(body.get(`Filter.${index}.Name`) ?? '', body.get(`Filter.${index}.Value.1`) ?? '');
  }
  return filters;
}
