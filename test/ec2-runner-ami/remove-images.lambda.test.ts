import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RemovalRequest } from '../../ec2-runner-ami/image-removal.ts';
import { createImages } from '../../ec2-runner-ami/images.client.ts';
import { removeImages } from '../../ec2-runner-ami/remove-images.lambda.ts';
import { answerCloudFormation } from '../../ec2-runner-ami/stack.client.ts';
import { lambdaContext } from '../support/lambda-context.ts';

const request = (changes: Partial<RemovalRequest> = {}): RemovalRequest => ({
  RequestType: 'Delete',
  ResponseURL: 'https://answer.example.com/signed',
  StackId: 'arn:aws:cloudformation:eu-west-1:123456789012:stack/ci-ec2-runner-ami/1',
  RequestId: 'request-1',
  LogicalResourceId: 'RemovalImages',
  PhysicalResourceId: 'RemovalImages',
  ...changes,
});

/** A deployment with two images, whose stack is or is not being deleted. */
async function remove({ RequestType = 'Delete' as RemovalRequest['RequestType'], isDeleted = true, broken = '' } = {}) {
  const images = new Set(['ami-1', 'ami-2']);
  const answers: object[] = [];
  let parameters = 1;
  await removeImages(
    request({ RequestType }),
    {
      images: {
        list: async () => [...images],
        remove: async (id) => {
          if (id === broken) throw new Error(`${id} is still launched from`);
          images.delete(id);
        },
        forget: async () => {
          parameters = 0;
        },
      },
      isStackBeingDeleted: async () => isDeleted,
      answer: async (_url, body) => void answers.push(body),
    },
    lambdaContext(),
  );
  return { images: [...images], parameters, answers };
}

describe('the end of a stack that leaves nothing', () => {
  it('takes its images and the parameters that name them along', async () => {
    expect(await remove()).toMatchObject({ images: [], parameters: 0, answers: [{ Status: 'SUCCESS' }] });
  });

  it('takes nothing when the stack lives on without this resource', async () => {
    const { images, parameters, answers } = await remove({ isDeleted: false });
    expect(images).toEqual(['ami-1', 'ami-2']);
    expect(parameters).toBe(1);
    expect(answers).toMatchObject([{ Status: 'SUCCESS' }]);
  });

  it.each(['Create', 'Update'] as const)('takes nothing at %s', async (RequestType) => {
    expect(await remove({ RequestType })).toMatchObject({
      images: ['ami-1', 'ami-2'],
      answers: [{ Status: 'SUCCESS' }],
    });
  });

  it('fails with a reason rather than let CloudFormation wait, and keeps the parameters', async () => {
    const { parameters, answers } = await remove({ broken: 'ami-2' });
    expect(parameters).toBe(1);
    expect(answers).toMatchObject([
      { Status: 'FAILED', Reason: expect.stringContaining('ami-2 is still launched from'), RequestId: 'request-1' },
    ]);
  });
});

/** A server that answers EC2's, Systems Manager's and CloudFormation's calls with what is given for them. */
async function serve(answerOf: (call: string) => { readonly status: number; readonly body: string }) {
  const calls: string[] = [];
  const headers: (string | undefined)[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += String(chunk);
    });
    incoming.on('end', () => {
      calls.push(`${incoming.headers['x-amz-target'] ?? ''}${decodeURIComponent(body)}`);
      headers.push(incoming.headers['content-type']);
      const answer = answerOf(body);
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'fake', secretAccessKey: 'not-a-real-secret' };
  const options = { endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 };
  const images = createImages('ci', ['/ci/image-id'], new EC2Client(options), new SSMClient(options));
  return { images, calls, headers, endpoint };
}

const deregistered = (returnCode: string) =>
  `<DeregisterImageResponse><return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-1</snapshotId><returnCode>${returnCode}</returnCode></item></deleteSnapshotResultSet></DeregisterImageResponse>`;

describe('the images of a deployment', () => {
  it('are those with its tag and ours, on every page', async () => {
    const { images, calls } = await serve((call) => ({
      status: 200,
      body: call.includes('NextToken')
        ? '<DescribeImagesResponse><imagesSet><item><imageId>ami-2</imageId></item></imagesSet></DescribeImagesResponse>'
        : '<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId></item></imagesSet><nextToken>more</nextToken></DescribeImagesResponse>',
    }));
    expect(await images.list()).toEqual(['ami-1', 'ami-2']);
    expect(calls[0]).toContain('Filter.1.Name=tag:gitlab-runners-on-demand:deployment&Filter.1.Value.1=ci');
    expect(calls[0]).toContain('Filter.2.Name=tag-key&Filter.2.Value.1=gitlab-runners-on-demand:image');
    expect(calls[0]).toContain('Owner.1=self');
  });

  it('go with their snapshots; one that is gone already is no fault', async () => {
    const { images, calls } = await serve(() => ({ status: 200, body: deregistered('success') }));
    await images.remove('ami-1');
    expect(calls[0]).toMatch(/Action=DeregisterImage.*DeleteAssociatedSnapshots=true/);
    const gone = await serve(() => ({
      status: 400,
      body: '<Response><Errors><Error><Code>InvalidAMIID.Unavailable</Code><Message>gone</Message></Error></Errors></Response>',
    }));
    await gone.images.remove('ami-1');
  });

  it('do not go silently without their snapshots', async () => {
    const { images } = await serve(() => ({ status: 200, body: deregistered('missing-permissions') }));
    await expect(images.remove('ami-1')).rejects.toThrow(/ami-1 is gone, but not its snapshots snap-1/);
  });

  it('are forgotten with their parameters', async () => {
    const { images, calls } = await serve(() => ({ status: 200, body: '{}' }));
    await images.forget();
    expect(calls[0]).toBe('AmazonSSM.DeleteParameters{"Names":["/ci/image-id"]}');
  });
});

it('the answer to CloudFormation has no content type, which its signed address does not cover', async () => {
  const { endpoint, calls, headers } = await serve(() => ({ status: 200, body: '' }));
  await answerCloudFormation(endpoint, { Status: 'SUCCESS' });
  expect([calls[0], headers[0] ?? '']).toEqual(['{"Status":"SUCCESS"}', '']);
  const refused = await serve(() => ({ status: 403, body: '' }));
  await expect(answerCloudFormation(refused.endpoint, {})).rejects.toThrow(/403/);
});
