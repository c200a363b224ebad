/** The environments of the local AWS: of the server, and of the programs that use it. */
import { delimiter } from 'node:path';

/** The only address that the server listens on. */
export const host = '127.0.0.1';

type Variables = Readonly<Record<string, string | undefined>>;
type Account = { readonly region: string; readonly account: string };

type ServerSettings = Account & {
  readonly port: number;
  readonly nodeModules: string;
  /** The folder of the `node` that runs functions. */
  readonly node: string;
  readonly extraPath?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
};

/**
 * What of the user's own environment programs need to run; functions inherit the environment of the server, so it has
 * no more.
 */
const inheritedVariables = ['HOME', 'LANG', 'TMPDIR', 'USER'] as const;

/** The environment that the server starts with. */
export function serverEnvironment(base: Variables, settings: ServerSettings): Record<string, string> {
  const path = [settings.node, ...(settings.extraPath ?? []), base.PATH ?? ''];
  return {
    ...defined(Object.fromEntries(inheritedVariables.map((name) => [name, base[name]]))),
    PATH: path.filter(Boolean).join(delimiter),
    BIND_HOST: host,
    GATEWAY_PORT: String(settings.port),
    MINISTACK_REGION: settings.region,
    MINISTACK_ACCOUNT_ID: settings.account,
    LAMBDA_WARM_TTL_SECONDS: '60',
    NODE_PATH: settings.nodeModules,
    // MiniStack's worker uses a function that Node warns of, in the log of every function.
    NODE_OPTIONS: '--disable-warning=DEP0169',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    ...settings.environment,
  };
}

/** What the AWS SDKs, the AWS CLI and the CDK CLI need to use the server, and nothing else. */
export function clientEnvironment(endpoint: string, { region, account }: Account): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    CDK_DEFAULT_ACCOUNT: account,
    CDK_DEFAULT_REGION: region,
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}

/**
 * The environment of a program that shall see the local AWS and nothing of the user's own: every `AWS_*` variable of
 * the base is left out, since a profile would win over the keys.
 */
export function inLocalAws(
  base: Variables,
  local: { readonly environment: Readonly<Record<string, string>> },
): Record<string, string> {
  const own = Object.fromEntries(Object.entries(base).filter(([name]) => !name.startsWith('AWS_')));
  return { ...defined(own), ...local.environment };
}

function defined(variables: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
