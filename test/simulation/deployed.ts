import type { Template } from 'aws-cdk-lib/assertions';
import { autoscalerTemplate } from '../autoscaler/autoscaler-template.ts';
import type { StateMachineDefinition } from '../support/state-machine-language.ts';
import { definitionFromTemplate } from '../support/state-machine-template.ts';

const workflowNames = ['StartRunner', 'StopRunner', 'AbandonRunner', 'InterruptRunner'] as const;
export type WorkflowName = (typeof workflowNames)[number];

/** What the rules of the bus do with the events of one type. */
export type RuleTarget = WorkflowName | 'bindRunner';

type Deployed = {
  readonly definitions: Readonly<Record<WorkflowName, StateMachineDefinition>>;
  /** By the event's `DetailType`. */
  readonly rules: ReadonlyMap<string, RuleTarget>;
};

let deployed: Deployed | undefined;

/** The workflows and the rules of the bus as they are deployed; synthesizing them takes seconds, once. */
export function deployedParts(): Deployed {
  if (deployed) return deployed;
  const template = autoscalerTemplate();
  const definitions = workflowNames.map((name) => [name, definitionFromTemplate(template, name)]);
  deployed = { definitions: Object.fromEntries(definitions), rules: rulesOf(template) };
  return deployed;
}

function rulesOf(template: Template): ReadonlyMap<string, RuleTarget> {
  const rules = Object.values(template.findResources('AWS::Events::Rule')).flatMap(({ Properties }) => {
    const [type] = (Properties.EventPattern?.['detail-type'] ?? []) as readonly (string | undefined)[];
    return type === undefined ? [] : [[type, targetOf(Properties.Targets[0].Arn)] as const];
  });
  return new Map(rules);
}

function targetOf(arn: { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly [string, string] }): RuleTarget {
  const logicalId = arn.Ref ?? arn['Fn::GetAtt']?.[0] ?? '';
  const workflow = workflowNames.find((name) => logicalId.startsWith(name));
  if (workflow) return workflow;
  if (logicalId.startsWith('Functionsbindrunner')) return 'bindRunner';
  throw new Error(`The simulation does not know the target ${logicalId} of a rule: tell it what happens there`);
}
