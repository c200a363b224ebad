import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';

/** What a host's metadata service says about it. */
export type InstanceIdentity = {
  readonly instanceId: string;
  readonly accountId: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly architecture: string;
  readonly privateIp: string;
  readonly launchedAt: Date;
  readonly userData: string;
  /** Name of the instance profile's role; without one there are no credentials, as on EC2. */
  readonly roleName?: string | undefined;
};

export type RoleCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
};

export type InstanceMetadata = {
  /** For `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly url: string;
  /** Announces that EC2 takes the spot instance back at that time. */
  interrupt(at: Date): void;
  close(): Promise<void>;
};

const longestSessionSeconds = 21_600;
/** How long before the end EC2 announces it. */
export const spotNoticeMilliseconds = 120_000;

/**
 * The metadata service (IMDSv2 alone) of one host: the paths that boot scripts, the AWS SDKs and the AWS CLI read. Tags
 * are not among them: EC2 tells them only to instances that were launched so, and ours are not.
 * Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
 */
export function createInstanceMetadataApp(
  instance: InstanceIdentity,
  roleCredentials: () => Promise<RoleCredentials>,
  interruptedAt: () => Date | undefined = () => undefined,
): Hono {
  const sessionEnds = new Map<string, number>();
  const app = new Hono();

  app.put('/latest/api/token', (context) => {
    const seconds = Number(context.req.header('x-aws-ec2-metadata-token-ttl-seconds'));
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestSessionSeconds) return context.text('', 400);
    // A proxy that forwards a stranger's request adds this header; EC2 refuses such requests too.
    if (context.req.header('x-forwarded-for')) return context.text('', 403);
    const session = randomBytes(32).toString('base64');
    sessionEnds.set(session, Date.now() + seconds * 1_000);
    return context.text(session, 200, { 'x-aws-ec2-metadata-token-ttl-seconds': String(seconds) });
  });

  app.use('/latest/*', async (context, next) => {
    const session = context.req.header('x-aws-ec2-metadata-token') ?? '';
    if ((sessionEnds.get(session) ?? 0) <= Date.now()) return context.text('', 401);
    await next();
  });

  const data = '/latest/meta-data';
  const texts: Readonly<Record<string, string>> = {
    'ami-id': instance.imageId,
    'instance-id': instance.instanceId,
    'instance-type': instance.instanceType,
    'local-ipv4': instance.privateIp,
    'placement/availability-zone': instance.availabilityZone,
    'placement/region': instance.region,
  };
  for (const [path, text] of Object.entries(texts)) app.get(`${data}/${path}`, (context) => context.text(text));
  app.get('/latest/user-data', (context) => textOr404(context, instance.userData || undefined));
  app.get('/latest/dynamic/instance-identity/document', (context) => context.json(identityDocument(instance)));

  app.get(`${data}/iam/security-credentials/`, (context) => textOr404(context, instance.roleName));
  app.get(`${data}/iam/security-credentials/:role`, async (context) => {
    if (context.req.param('role') !== instance.roleName) return context.text('', 404);
    const credentials = await roleCredentials();
    return context.json({
      Code: 'Success',
      LastUpdated: new Date().toISOString(),
      Type: 'AWS-HMAC',
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      Token: credentials.sessionToken,
      Expiration: credentials.expiration.toISOString(),
    });
  });

  app.get(`${data}/spot/instance-action`, (context) => {
    const at = interruptedAt();
    return at ? context.json({ action: 'terminate', time: at.toISOString() }) : context.text('', 404);
  });
  return app;
}

/** Serves {@link createInstanceMetadataApp} on a free port of the loopback address. */
export async function startInstanceMetadata(
  instance: InstanceIdentity,
  roleCredentials: () => Promise<RoleCredentials>,
): Promise<InstanceMetadata> {
  let interruptedAt: Date | undefined;
  const app = createInstanceMetadataApp(instance, roleCredentials, () => interruptedAt);
  const { promise: listening, resolve, reject } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, resolve);
  server.once('error', reject);
  const { port } = await listening;
  return {
    url: `http://127.0.0.1:${port}`,
    interrupt: (at) => {
      interruptedAt = at;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        // Clients keep connections open; nobody is left to use them.
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

function textOr404(context: Context, text: string | undefined) {
  return text === undefined ? context.text('', 404) : context.text(text);
}

function identityDocument(instance: InstanceIdentity) {
  return {
    accountId: instance.accountId,
    architecture: instance.architecture,
    availabilityZone: instance.availabilityZone,
    imageId: instance.imageId,
    instanceId: instance.instanceId,
    instanceType: instance.instanceType,
    pendingTime: instance.launchedAt.toISOString(),
    privateIp: instance.privateIp,
    region: instance.region,
    version: '2017-09-30',
  };
}
