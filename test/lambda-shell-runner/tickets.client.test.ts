import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAwsPost } from '../../infrastructure/kit/aws/signed-aws.client.ts';
import { createTicketClaim } from '../../lambda-shell-runner/tickets.client.ts';
import { fakeToken } from './executions.ts';

type Answer = { readonly status: number; readonly body: string } | 'hang-up';
type Call = { readonly headers: IncomingHttpHeaders; readonly body: unknown };

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A DynamoDB that gives these answers in turn. */
async function dynamoDbWith(...answers: Answer[]) {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(Buffer.concat(await request.toArray()).toString('utf8'));
    calls.push({ headers: request.headers, body });
    const answer = answers.shift() ?? 'hang-up';
    if (answer === 'hang-up') request.socket.destroy();
    else response.writeHead(answer.status, { connection: 'close' }).end(answer.body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const post = createAwsPost({
    region: 'eu-west-1',
    accessKeyId: 'fake-access-key',
    secretAccessKey: 'not-a-real-secret',
    sessionToken: 'not-a-real-session',
    endpointUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  const claim = createTicketClaim(post);
  return { claim: () => claim('tickets', 'ticket-1'), calls };
}

const item = {
  id: { S: 'ticket-1' },
  token: { S: fakeToken },
  job: { S: 'job#123#10' },
  expiresAt: { N: '1790000000' },
};
const ticketFound: Answer = { status: 200, body: JSON.stringify({ Attributes: { ...item, createdBy: { S: 'x' } } }) };
const noTicket: Answer = { status: 200, body: '{}' };

function refusal(status: number, name: string): Answer {
  return { status, body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no' }) };
}

describe('claiming a ticket', () => {
  it('takes it out of the table with one signed request', async () => {
    const { claim, calls } = await dynamoDbWith(ticketFound);
    expect(await claim()).toEqual({ id: 'ticket-1', token: fakeToken, job: 'job#123#10', expiresAt: 1_790_000_000 });
    expect(calls.map(({ body }) => body)).toEqual([
      { TableName: 'tickets', Key: { id: { S: 'ticket-1' } }, ReturnValues: 'ALL_OLD' },
    ]);
    expect(calls[0]?.headers).toMatchObject({
      'x-amz-target': 'DynamoDB_20120810.DeleteItem',
      'x-amz-security-token': 'not-a-real-session',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=fake-access-key\/\d{8}\/eu-west-1\/dynamodb\/aws4_request/,
      ),
    });
  });

  it('finds none when somebody else has it', async () => {
    const { claim } = await dynamoDbWith(noTicket);
    expect(await claim()).toBeNull();
  });

  it('is tried again when DynamoDB throttles or fails, or a transaction is in the way', async () => {
    const { claim } = await dynamoDbWith(
      refusal(400, 'ProvisionedThroughputExceededException'),
      refusal(400, 'TransactionConflictException'),
      { status: 500, body: 'Internal Server Error' },
      ticketFound,
    );
    expect(await claim()).toMatchObject({ token: fakeToken });
  });

  it('is tried again when the connection broke, as an old one does after a freeze', async () => {
    const { claim } = await dynamoDbWith('hang-up', ticketFound);
    expect(await claim()).toMatchObject({ token: fakeToken });
  });

  it('fails when nobody can tell whether an unanswered attempt took the ticket', async () => {
    const { claim } = await dynamoDbWith('hang-up', noTicket);
    await expect(claim()).rejects.toMatchObject({
      name: 'TicketNotClaimedError',
      message: expect.stringContaining('nobody knows its token'),
    });
  });

  it('is not tried again when the function may not do it, and says what to look at', async () => {
    const { claim, calls } = await dynamoDbWith(refusal(400, 'AccessDeniedException'));
    await expect(claim()).rejects.toMatchObject({
      name: 'TicketNotClaimedError',
      message: expect.stringMatching(/tickets.*AccessDeniedException.*role/s),
    });
    expect(calls).toHaveLength(1);
  });

  it('never tells the token in an error', async () => {
    const damaged = JSON.stringify({ Attributes: { ...item, expiresAt: { S: 'soon' } } });
    for (const body of [damaged, damaged.slice(0, -1)]) {
      const { claim } = await dynamoDbWith({ status: 200, body });
      const error = await claim().catch((thrown: unknown) => thrown);
      expect(String(error)).toContain('not a ticket');
      expect(String(error)).not.toContain(fakeToken);
    }
  });
});
