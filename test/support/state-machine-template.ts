import type { Template } from 'aws-cdk-lib/assertions';
import type { StateMachineDefinition } from './state-machine-language.ts';

type TemplateResource = { readonly Properties?: Readonly<Record<string, unknown>> };

/** Which state machine of a template: the start of its logical id, or a test of its id and resource. */
export type StateMachineChoice = string | ((logicalId: string, resource: TemplateResource) => boolean);

export class StateMachineNotFoundError extends Error {
  override readonly name = 'StateMachineNotFoundError';
}

/** What AWS puts in place of these is fixed enough for a test, and `asl-validator` wants real ARNs. */
const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-central-1',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com',
};

/**
 * The definition of one state machine of a synthesized template. Intrinsic functions become placeholders that say
 * what stood there, such as `${ChooseRunner1A2B3C4D.Arn}`; pseudo parameters become plausible values.
 *
 * @throws {StateMachineNotFoundError} when not exactly one state machine of the template fits
 */
export function definitionFromTemplate(template: Template, which: StateMachineChoice = ''): StateMachineDefinition {
  const machines = Object.entries(template.findResources('AWS::StepFunctions::StateMachine'));
  const fits = typeof which === 'string' ? (logicalId: string) => logicalId.startsWith(which) : which;
  const [found, ...others] = machines.filter(([logicalId, resource]) => fits(logicalId, resource));
  if (!found || others.length > 0) {
    const names = machines.map(([logicalId]) => logicalId).join(', ');
    throw new StateMachineNotFoundError(`Looked for one state machine (${String(which)}) among: ${names || 'none'}.`);
  }
  const [logicalId, resource] = found;
  const text = resolveText(resource.Properties?.DefinitionString);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StateMachineNotFoundError(`The DefinitionString of ${logicalId} is not JSON: ${text}`, { cause });
  }
}

/** Flattens a template value to text, with a placeholder for whatever only a deployment could know. */
function resolveText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[intrinsic, operand] = ['', undefined]] = Object.entries(value);
  switch (intrinsic) {
    case 'Ref':
      return pseudoParameters[String(operand)] ?? placeholder(operand);
    case 'Fn::GetAtt':
      return placeholder(Array.isArray(operand) ? operand.map(resolveText).join('.') : operand);
    case 'Fn::Join': {
      const [separator, parts] = operand as [string, readonly unknown[]];
      return parts.map(resolveText).join(separator);
    }
    case 'Fn::Sub': {
      const [text, variables] = Array.isArray(operand) ? operand : [operand, {}];
      return String(text).replace(/\$\{([^}]+)\}/g, (whole, name: string) =>
        name in variables ? resolveText(variables[name]) : (pseudoParameters[name] ?? whole),
      );
    }
    case 'Fn::ImportValue':
      return placeholder(`ImportValue ${resolveText(operand)}`);
    default:
      return placeholder(JSON.stringify(value));
  }
}

/** Free of quotes, braces and backslashes, because it may stand inside a JSON string and inside another placeholder. */
function placeholder(content: unknown): string {
  const readable = String(content).replace(/[^\w:.,/-]+/g, ' ');
  return `\${${readable.trim()}}`;
}
