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
  /** Texts by name, which every script finds as files in the folder `$files`. */
  readonly files?: Readonly<Record<string, string>>;
};

/** A component cannot be written as a document; the message says what is in the way. */
export class ComponentSourceError extends Error {
  override readonly name = 'ComponentSourceError';
}

/**
 * The YAML document of a component, one step per script.
 * Source: https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html
 *
 * @throws {ComponentSourceError} when a script has what Image Builder would replace, or a variable needs more than
 * single quotes.
 */
export function renderComponentDocument(source: ComponentSource): string {
  const { name, description } = source;
  const phases = componentPhases.flatMap((phase) => {
    const script = source.scripts[phase];
    return script === undefined ? [] : [{ name: phase, steps: [stepOf(source, phase, script)] }];
  });
  return stringify({ name, description, schemaVersion: schemaVersion(), phases }, { lineWidth: 0 });
}

function stepOf({ name, variables, files = {} }: ComponentSource, phase: ComponentPhase, script: string) {
  const assignments = Object.entries(variables).map(([variable, value]) => {
    if (/^[\w.:/ -]*$/.test(value)) return `${variable}='${value}'`;
    throw new ComponentSourceError(
      `The variable ${variable} of ${name} is "${value}": letters, digits, blanks and ._:/- only`,
    );
  });
  const command = [...assignments, ...writesOf(name, files), script].join('\n');
  if (command.includes('{{')) {
    throw new ComponentSourceError(
      `The ${phase} script of ${name} has "{{", which Image Builder replaces: write it otherwise`,
    );
  }
  return { name: `${phase}-${name}`, action: 'ExecuteBash', inputs: { commands: [command] } };
}

const endOfFile = 'END-OF-FILE';

function writesOf(name: string, files: Readonly<Record<string, string>>): string[] {
  const writes = Object.entries(files).map(([file, text]) => {
    if (!text.endsWith('\n') || text.split('\n').includes(endOfFile)) {
      throw new ComponentSourceError(
        `The file ${file} of ${name} must end with a line break and have no line ${endOfFile}`,
      );
    }
    return `cat >"$files/${file}" <<'${endOfFile}'\n${text}${endOfFile}`;
  });
  return writes.length === 0 ? [] : ['files=$(mktemp -d)', ...writes];
}

/** Image Builder wants `1.0`, which as a plain number would become `1`. */
function schemaVersion(): Scalar<number> {
  const version = new Scalar(1);
  version.minFractionDigits = 1;
  return version;
}
