import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { Workflow, type WorkflowProps } from '../workflow/workflow.construct.ts';
import { abandonStates } from './abandon-states.construct.ts';

/** The workflow that undoes an attempt which failed after its start workflow had ended: a launch, or an invocation. */
export class AbandonRunner extends Construct {
  readonly workflow: Workflow;

  constructor(
    scope: Construct,
    id: string,
    props: Pick<WorkflowProps, 'history'> & { readonly abandonRunner: IFunction; readonly eventBus: IEventBus },
  ) {
    super(scope, id);
    this.workflow = new Workflow(this, 'Workflow', {
      history: props.history,
      definition: abandonStates(this, props, '{% $states.input %}'),
      lambdas: [props.abandonRunner],
      comment: 'Undoes an attempt that failed after its start workflow had ended',
    });
  }
}
