import { Scalar, stringify } from 'yaml';

/** `build` and `validate` run on the build instance, `test` on an instance that was started from the new image. */
export const componentPhases = ['build', 'validate', 'test'] as const;
export type ComponentPhase = (typeof componentPhases)[number];

export type ComponentSource = {
  readonly name: string;
  readonly description: string;
  readonly scripts: Readonly<Partial<Record<ComponentPhase, string>>>;
  /** Shell variables that are set in front of every script. */
  readonly variables: Readonly<Record<string, string>>;
};

/** A component cannot be written as a document; the message says what is in the way. */
export class ComponentSourceError extends Error {
  override readonly name = 'ComponentSourceError';
}

/**
 * The YAML document of a component, one step per script.
 * Source: https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html
 *
 * @throws {ComponentSourceError} when a script has what Image Builder would replace, or a variable needs more than single quotes.
 */
export function renderComponentDocument({ name, description, scripts, variables }: ComponentSource): string {
  const phases = componentPhases.flatMap((phase) => {
    const script = scripts[phase];
    return script === undefined ? [] : [{ name: phase, steps: [stepOf(name, phase, script, variables)] }];
  });
  return stringify({ name, description, schemaVersion: schemaVersion(), phases }, { lineWidth: 0 });
}

function stepOf(name: string, phase: ComponentPhase, script: string, variables: ComponentSource['variables']) {
  if (script.includes('{{')) {
    throw new ComponentSourceError(
      `The ${phase} script of ${name} has "{{", which Image Builder replaces: write it otherwise`,
    );
  }
  const assignments = Object.entries(variables).map(([variable, value]) => {
    if (/^[\w.:/-]*$/.test(value)) return `${variable}='${value}'`;
    throw new ComponentSourceError(`The variable ${variable} of ${name} is "${value}": letters, digits and ._:/- only`);
  });
  return {
    name: `${phase}-${name}`,
    action: 'ExecuteBash',
    inputs: { commands: [[...assignments, script].join('\n')] },
  };
}

/** Image Builder wants `1.0`, which as a plain number would become `1`. */
function schemaVersion(): Scalar<number> {
  const version = new Scalar(1);
  version.minFractionDigits = 1;
  return version;
}
