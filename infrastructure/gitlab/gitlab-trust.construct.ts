import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { Code, type Function as LambdaFunction, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { caCertificatesFile, trustVariables } from './gitlab-trust.ts';

const readableByAll = 0o644;

/**
 * The certificates by which a deployment's GitLab is trusted, for functions that are bundles. A layer, since they may
 * be longer than the 4 KB of a function's environment, and the bundles stay the same for every deployment.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
 */
export class GitLabTrust extends Construct {
  readonly #layer: LayerVersion;

  constructor(scope: Construct, id: string, caCertificates: string) {
    super(scope, id);
    const folder = join(Stage.of(this)?.assetOutdir ?? 'cdk.out', 'gitlab-ca-certificates');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeCaCertificates(folder, caCertificates);
    this.#layer = new LayerVersion(this, 'Layer', {
      description: 'Certificates by which GitLab is trusted',
      code: Code.fromAsset(folder),
    });
  }

  /** Makes a function trust them, beside the public ones. */
  giveTo(lambda: LambdaFunction): void {
    lambda.addLayers(this.#layer);
    for (const [name, value] of Object.entries(trustVariables)) lambda.addEnvironment(name, value);
  }
}

/** Writes the certificates into a folder, under the name that functions know. */
export function writeCaCertificates(folder: string, caCertificates: string): void {
  const file = join(folder, basename(caCertificatesFile));
  writeFileSync(file, `${caCertificates.trim()}\n`);
  // Whatever the umask says: the function's user must be able to read it.
  chmodSync(file, readableByAll);
}
