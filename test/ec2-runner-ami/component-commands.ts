import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  type ComponentPhase,
  type ComponentSource,
  renderComponentDocument,
} from '../../ec2-runner-ami/component-document.ts';
import { buildComponents, finalComponents } from '../../ec2-runner-ami/image-components.ts';
import { gitlabRunnerRelease } from '../../infrastructure/gitlab-runner/gitlab-runner-pins.ts';
import type { Architecture } from '../../infrastructure/kit/architecture.ts';

const app = join(import.meta.dirname, '../../ec2-runner-ami');
export const readText = (path: string) => readFileSync(join(app, path), 'utf8');

export const componentsOf = (architecture: Architecture, release = gitlabRunnerRelease): readonly ComponentSource[] => [
  ...buildComponents(release, architecture, readText),
  ...finalComponents(release, architecture, readText),
];

/** The commands of a phase, as Image Builder finds them in a document. */
export const commandsOf = (document: string, phase: ComponentPhase): readonly string[] =>
  parse(document).phases.find(({ name }: { name: string }) => name === phase).steps[0].inputs.commands;

/** What Image Builder gives to bash for a phase of one of our components. */
export function commandOf(component: string, phase: ComponentPhase, variables: Readonly<Record<string, string>> = {}) {
  const source = componentsOf('x86_64').find(({ name }) => name === component);
  if (!source) throw new Error(`There is no component ${component}`);
  const document = renderComponentDocument({ ...source, variables: { ...source.variables, ...variables } });
  return commandsOf(document, phase).join('\n');
}
