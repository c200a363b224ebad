import { chmodSync, globSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const repository = resolve(import.meta.dirname, '../..');

/**
 * Bundles every `*.lambda.ts` of the named apps (all when none is named) into `<destination>/<app>/<lambda>/index.mjs`.
 */
export async function buildLambdas(
  apps: readonly string[] = [],
  destination = join(repository, 'dist'),
): Promise<string[]> {
  const entries = globSync('{infrastructure,autoscaler,lambda-shell-runner,ec2-runner-ami}/**/*.lambda.ts', {
    cwd: repository,
    exclude: ['**/node_modules/**', '**/cdk.out/**'],
  }).filter((file) => apps.length === 0 || apps.includes(file.split('/')[0] ?? ''));
  const bundles = entries.map((file) => ({
    in: join(repository, file),
    out: join(file.split('/')[0] ?? '', basename(file, '.lambda.ts'), 'index'),
  }));
  // In one build, so that what many functions share is parsed once.
  const { outputFiles } = await build({
    entryPoints: bundles,
    outdir: destination,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    // Names stay, so that stack traces read without a source map (which Node would load at each cold start).
    minifyWhitespace: true,
    minifySyntax: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // ESM sources tree-shake; without this order esbuild would take the packages' CommonJS files.
    mainFields: ['module', 'main'],
    // Some packages inside are CommonJS and `require` Node's own modules, which an ES module has to be told how to.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  for (const { path, contents } of outputFiles) replaceFile(path, contents, destination);
  return bundles.map(({ out }) => dirname(join(destination, out)));
}

/** Whoever packs the file's folder meanwhile finds the whole file there, old or new, and nothing else. */
function replaceFile(path: string, contents: Uint8Array, destination: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const written = join(destination, `.${basename(dirname(path))}-${process.pid}`);
  writeFileSync(written, contents);
  // A file keeps its mode in the archive that goes to AWS, where Lambda's user must be able to read it whatever
  // this machine's umask is.
  chmodSync(written, 0o644);
  renameSync(written, path);
}

if (process.argv[1] === import.meta.filename) {
  const folders = await buildLambdas(process.argv.slice(2));
  console.log(`bundled ${folders.length} Lambda functions into dist/`);
}
