import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnComponent, CfnImageRecipe } from 'aws-cdk-lib/aws-imagebuilder';
import { Construct } from 'constructs';
import type { Ami } from '../infrastructure/deployment/ami.ts';
import type { GitLabRunnerRelease } from '../infrastructure/gitlab-runner/gitlab-runner-release.ts';
import type { Architecture } from '../infrastructure/kit/architecture.ts';
import { type ComponentSource, renderComponentDocument } from './component-document.ts';
import { contentVersion } from './content-version.ts';
import { buildComponents, finalComponents } from './image-components.ts';

export type ImageRecipeProps = {
  /** Of the recipe, and so of its images. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly release: GitLabRunnerRelease;
  readonly ami: Ami;
  /** Of the image's disk, when AWS's own is not meant. */
  readonly kmsKeyArn?: string | undefined;
};

/**
 * What an image is made of. Its version follows from the content, so that a changed component always makes a new
 * recipe.
 */
export class ImageRecipe extends Construct {
  readonly recipe: CfnImageRecipe;

  constructor(scope: Construct, id: string, { name, architecture, release, ami, kmsKeyArn }: ImageRecipeProps) {
    super(scope, id);
    const component = (source: ComponentSource, prefix = '') => {
      const data = renderComponentDocument(source);
      const version = contentVersion(data);
      const created = new CfnComponent(this, `Component-${prefix}${source.name}`, {
        name: `${name}-${prefix}${source.name}`,
        description: source.description,
        platform: 'Linux',
        version,
        data,
      });
      return { arn: created.attrArn, version };
    };
    const components = [
      ...buildComponents(release, architecture, readText).map((source) => component(source)),
      ...ownComponents(ami).map((source) => component(source, 'own-')),
      ...ami.componentArns.map((arn) => ({ arn, version: arn })),
      ...finalComponents(release, architecture, readText).map((source) => component(source)),
    ];
    const content = {
      // Resolved at every build, so that each begins with the newest Amazon Linux.
      parentImage: `ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
      description: `Amazon Linux 2023 with docker and gitlab-runner ${release.version}`,
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: {
            volumeType: 'gp3',
            volumeSize: ami.sizeGiB,
            deleteOnTermination: true,
            encrypted: true,
            ...(kmsKeyArn === undefined ? {} : { kmsKeyId: kmsKeyArn }),
          },
        },
      ],
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
    };
    const versions = components.map(({ version }) => version);
    this.recipe = new CfnImageRecipe(this, 'Recipe', {
      name,
      version: contentVersion(JSON.stringify([content, versions])),
      ...content,
      components: components.map(({ arn }) => ({ componentArn: arn })),
    });
  }
}

function ownComponents({ components }: Ami): ComponentSource[] {
  return Object.entries(components).map(([name, { build, test }]) => ({
    name,
    description: `${name}, from the deployment's configuration`,
    scripts: {
      ...(build === undefined ? {} : { build: strict(build) }),
      ...(test === undefined ? {} : { test: strict(test) }),
    },
    variables: {},
  }));
}

/** Image Builder looks at a script's exit status alone, which is that of its last command. */
function strict(script: string): string {
  return `set -e\n${script}`;
}

function readText(path: string): string {
  return readFileSync(join(import.meta.dirname, path), 'utf8');
}
