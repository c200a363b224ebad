import type { Template } from 'aws-cdk-lib/assertions';
import type { DeploymentInput } from '../../infrastructure/deployment/deployment.ts';
import { autoscalerTemplate } from '../autoscaler/autoscaler-template.ts';
import type { StateMachineDefinition } from '../support/state-machine-language.ts';
import { definitionFromTemplate } from '../support/state-machine-template.ts';
import type { BusEvent } from './bus-model.ts';

const workflowNames = ['StartRunner', 'StopRunner', 'AbandonRunner', 'InterruptRunner'] as const;
export type WorkflowName = (typeof workflowNames)[number];

/** What the rules of the bus do with the events of one type. */
export type RuleTarget = WorkflowName | 'bindRunner' | 'giveTurns';

/** A rule of the bus; `detail` holds the values that it takes, by field. */
export type DeployedRule = {
  /** The event's `DetailType`. */
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly target: RuleTarget;
};

type Deployed = {
  readonly definitions: Readonly<Record<WorkflowName, StateMachineDefinition>>;
  readonly rules: readonly DeployedRule[];
};

/** All that a deployment can have: what a schedule does not use changes nothing in it. */
const everything: DeploymentInput = {
  profiles: {
    default: { type: 'EC2', retryInterrupted: 'onDemand' },
    shell: { type: 'LAMBDA', isolateProjects: true },
  },
};

let deployed: Deployed | undefined;

/** The workflows and the rules of the bus as they are deployed; synthesizing them takes seconds, once. */
export function deployedParts(): Deployed {
  if (deployed) return deployed;
  const template = autoscalerTemplate(everything);
  const definitions = workflowNames.map((name) => [name, definitionFromTemplate(template, name)]);
  deployed = { definitions: Object.fromEntries(definitions), rules: rulesOf(template) };
  return deployed;
}

function rulesOf(template: Template): readonly DeployedRule[] {
  return Object.values(template.findResources('AWS::Events::Rule')).flatMap(({ Properties }) => {
    const [type] = (Properties.EventPattern?.['detail-type'] ?? []) as readonly (string | undefined)[];
    const { detail = {} } = Properties.EventPattern ?? {};
    return type === undefined ? [] : [{ type, detail, target: targetOf(Properties.Targets[0].Arn) }];
  });
}

function targetOf(arn: { readonly Ref?: string; readonly 'Fn::GetAtt'?: readonly [string, string] }): RuleTarget {
  const logicalId = arn.Ref ?? arn['Fn::GetAtt']?.[0] ?? '';
  const workflow = workflowNames.find((name) => logicalId.startsWith(name));
  if (workflow) return workflow;
  if (logicalId.startsWith('Functionsbindrunner')) return 'bindRunner';
  if (logicalId.startsWith('Functionsgiveturns')) return 'giveTurns';
  throw new Error(`The simulation does not know the target ${logicalId} of a rule: tell it what happens there`);
}

/** Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
export function ruleTakes({ type, detail }: DeployedRule, event: BusEvent): boolean {
  // An event of EC2's is given to its workflow as a whole.
  const { detail: inner } = event.detail as { readonly detail?: unknown };
  const told = (inner ?? event.detail) as Readonly<Record<string, unknown>>;
  // What is nested asks about an event before it was put into the words of its target, as which the bus here has it.
  const takes = ([field, values]: readonly [string, unknown]) => !Array.isArray(values) || values.includes(told[field]);
  return type === event.type && Object.entries(detail).every(takes);
}
