import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export type TicketItem = Readonly<Record<string, { readonly S: string } | { readonly N: string }>>;
export type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
};

export type TicketTable = {
  readonly url: string;
  put(id: string, item: TicketItem): void;
  has(id: string): boolean;
  /** What Secrets Manager says of a secret; without it the role may not read it. */
  putSecret(arn: string, value: string): void;
  /** Secrets that were asked for. */
  readonly secretReads: string[];
  /** Why a request was not answered with 200. */
  readonly refusals: string[];
  readonly claims: { readonly table: string; readonly id: string }[];
  close(): Promise<void>;
};

/**
 * As much of AWS as a host speaks to: DynamoDB's DeleteItem with ALL_OLD and Secrets Manager's GetSecretValue, for one
 * role's session, with the signature checked as AWS documents it
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */
export async function startTicketTable(credentials: Credentials, region: string): Promise<TicketTable> {
  const items = new Map<string, TicketItem>();
  const refusals: string[] = [];
  const claims: { table: string; id: string }[] = [];
  const secrets = new Map<string, string>();
  const secretReads: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const refusal = refusalOf(request, body, credentials, region);
    if (refusal) {
      refusals.push(refusal);
      response.writeHead(400).end(
        JSON.stringify({
          __type: 'com.amazon.coral.service#InvalidSignatureException',
          // AWS repeats the request in this message, the session token with it.
          message: `${refusal}: x-amz-security-token:${String(request.headers['x-amz-security-token'])}`,
        }),
      );
      return;
    }
    if (String(request.headers['x-amz-target']).startsWith('secretsmanager.')) {
      const { SecretId } = JSON.parse(body) as { SecretId: string };
      secretReads.push(SecretId);
      const SecretString = secrets.get(SecretId);
      const denied = { __type: 'AccessDeniedException', Message: 'not authorized' };
      response.writeHead(SecretString === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(SecretString === undefined ? denied : { ARN: SecretId, SecretString }));
      return;
    }
    const input = JSON.parse(body) as { TableName: string; Key: { id: { S: string } } };
    const id = input.Key.id.S;
    claims.push({ table: input.TableName, id });
    const old = items.get(id);
    items.delete(id);
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(old ? { Attributes: old } : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put: (id, item) => items.set(id, item),
    has: (id) => items.has(id),
    putSecret: (arn, value) => secrets.set(arn, value),
    secretReads,
    refusals,
    claims,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const servicesOf: Readonly<Record<string, string>> = {
  'DynamoDB_20120810.DeleteItem': 'dynamodb',
  'secretsmanager.GetSecretValue': 'secretsmanager',
};

/** Why AWS would refuse a call; null for a good one. */
export function refusalOf(
  request: IncomingMessage,
  body: string,
  credentials: Credentials,
  region: string,
): string | null {
  const headers = request.headers;
  if (request.method !== 'POST' || request.url !== '/')
    return `${request.method} ${request.url} is not a DynamoDB call`;
  const asked = servicesOf[String(headers['x-amz-target'])];
  if (!asked) return `target ${String(headers['x-amz-target'])}`;
  if (asked === 'dynamodb' && !body.includes('"ReturnValues":"ALL_OLD"')) return 'does not ask for the old item';
  if (headers['x-amz-security-token'] !== credentials.sessionToken) return 'another session token';
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, key, day, signedRegion, service, names = '', signature] = pattern.exec(headers.authorization ?? '') ?? [];
  if (!signature) return `authorization header ${String(headers.authorization)}`;
  if (key !== credentials.accessKeyId || signedRegion !== region || service !== asked) return 'another scope';
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']) {
    if (!names.split(';').includes(name)) return `${name} is not signed`;
  }
  const canonicalHeaders = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = ['POST', '/', '', canonicalHeaders.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/${asked}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, sha256(canonical)].join('\n');
  const signingKey = [day ?? '', region, asked, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  return hmac(signingKey, toSign).toString('hex') === signature ? null : 'wrong signature';
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
