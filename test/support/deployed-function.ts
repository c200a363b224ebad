import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { bundleFolderOf } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';

const repository = join(import.meta.dirname, '../..');

/** Calls the handler once, in a process of its own; the answer is its last line, after the log lines. */
const callHandler = `
const { handler } = await import(process.env.BUNDLE);
const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 };
const answer = await handler(JSON.parse(process.env.EVENT), context)
  .then((output) => ({ output }), ({ name, message }) => ({ error: name + ': ' + message }));
console.log(JSON.stringify(answer));
process.exit(0);
`;

export type Answer = { readonly output?: unknown; readonly error?: string };

type Code = { readonly S3Key: string };
type FunctionProperties = {
  readonly Code: Code;
  readonly Environment?: { readonly Variables: Readonly<Record<string, unknown>> };
  readonly Layers?: readonly { readonly Ref: string }[];
};

type Layer = { readonly Properties: { readonly Content: Code } };

/** A stack's functions as they would be deployed: with the variables and layers that its template gives them. */
export function deployedFunctions(makeStack: (app: App) => Stack) {
  const app = new App();
  const template = Template.fromStack(makeStack(app));
  const functions = template.findResources('AWS::Lambda::Function') as Record<
    string,
    { readonly Properties: FunctionProperties }
  >;
  const functionOf = (idPrefix: string): FunctionProperties => {
    const [found] = Object.entries(functions).filter(([id]) => id.startsWith(idPrefix));
    if (!found) throw new Error(`no function ${idPrefix} in ${Object.keys(functions).join(', ')}`);
    return found[1].Properties;
  };
  const folderOf = ({ S3Key }: Code) => join(app.outdir, `asset.${S3Key.replace(/\.zip$/, '')}`);
  /** Where the file lies here that a function finds below `/opt`. */
  const layerFile = ({ Layers = [] }: FunctionProperties, path: string): string => {
    const layers = template.findResources('AWS::Lambda::LayerVersion') as Record<string, Layer>;
    const contents = Layers.flatMap(({ Ref }) => layers[Ref]?.Properties.Content ?? []);
    const files = contents.map((content) => join(folderOf(content), path.slice('/opt/'.length)));
    // What a function has no layer for, it does not find.
    return files.find((file) => existsSync(file)) ?? path;
  };
  const variablesOf = (idPrefix: string): Record<string, string> => {
    const properties = functionOf(idPrefix);
    const entries = Object.entries(properties.Environment?.Variables ?? {});
    return Object.fromEntries(
      entries.map(([name, value]) => {
        if (typeof value !== 'string') return [name, 'made-at-deploy-time'];
        return [name, value.startsWith('/opt/') ? layerFile(properties, value) : value];
      }),
    );
  };
  return {
    template,
    ids: Object.keys(functions),
    /** The bundle that a function is deployed with. */
    sourceOf: (idPrefix: string) => readFileSync(join(folderOf(functionOf(idPrefix).Code), 'index.mjs'), 'utf8'),
    variablesOf,
    /** Calls a function's bundle in a process that has the function's own variables, and these. */
    async call(idPrefix: string, entry: string, event: unknown, variables: Readonly<Record<string, string>>) {
      const bundle = join(bundleFolderOf(join(repository, entry)), 'index.mjs');
      const child = spawn(process.execPath, ['--input-type=module', '--eval', callHandler], {
        env: { BUNDLE: bundle, EVENT: JSON.stringify(event), ...variablesOf(idPrefix), ...variables },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = Buffer.concat(await child.stdout.toArray())
        .toString('utf8')
        .trim()
        .split('\n');
      return JSON.parse(lines.at(-1) ?? '') as Answer;
    },
  };
}
