import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Choice, Condition, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type RunnerType, runnerTypes } from '../job-mappings/job-mapping.ts';
import { requestInstanceState } from '../runner-types/ec2/launch-state.construct.ts';
import {
  invokeIsolatedRunnerState,
  invokeLambdaRunnerState,
  noteLaunchState,
  type RunnerPayloadProps,
  runnerPayload,
} from '../runner-types/lambda/launch-states.construct.ts';
import { causeOf, lambdaState, Workflow, type WorkflowProps } from '../workflow/workflow.construct.ts';
import { retryPassingTrouble } from '../workflow/workflow-retries.construct.ts';
import { abandonStates } from './abandon-states.construct.ts';
import { assignChoice, decided, secondLook, unlessOnlySuspected } from './second-look.construct.ts';

export type StartRunnerProps = RunnerPayloadProps &
  Pick<WorkflowProps, 'history'> & {
    readonly chooseRunner: IFunction;
    readonly admitJob: IFunction;
    readonly registerRunner: IFunction;
    /** For deployments with a profile whose jobs are kept apart by project. */
    readonly invokeIsolatedRunner?: IFunction | undefined;
    readonly abandonRunner: IFunction;
    readonly launchQueue: IQueue;
    readonly eventBus: IEventBus;
    /** The functions that may run jobs: the state machine can invoke these and no other. */
    readonly runnerFunctionArns: readonly string[];
    readonly runnersTable: { readonly tableName: string; readonly tableArn: string };
  };

/**
 * What AbandonRunner takes, kept as a variable by every catch: the job, the attempt (none before admission) and the
 * error. Not as the next state's input, since CDK drops a catch's `outputs` where a state is written as plain JSON.
 */
function noteFailure(event: string, attempt: string) {
  const failure = {
    projectId: `{% ${event}.projectId %}`,
    jobId: `{% ${event}.jobId %}`,
    attempt: `{% ${attempt} %}`,
    event: `{% ${event} %}`,
    error: '{% $states.errorOutput.Error %}',
    cause: causeOf('$states.errorOutput'),
  };
  return { errors: ['States.ALL'], assign: { failure } };
}

/** The workflow that gives a pending job a runner: choose, admit, register, launch. Its input is a JobEvent. */
export class StartRunner extends Construct {
  readonly workflow: Workflow;

  constructor(scope: Construct, id: string, props: StartRunnerProps) {
    super(scope, id);
    const abandon = abandonStates(this, props, '{% $failure %}');
    const ended = (name: string, comment: string) => Succeed.jsonata(this, name, { stateName: name, comment });
    const launched = ended('Launched', 'A host is on its way');

    const choose = lambdaState(this, 'ChooseRunner', {
      lambda: props.chooseRunner,
      comment: 'Mapping, tags, and whether the job still waits',
      payload: '{% $states.input %}',
      assign: assignChoice('$states.input'),
    });
    choose.addRetry({ ...retryPassingTrouble, errors: ['JobNotYetPendingError'] });
    const second = secondLook(this, props.chooseRunner);
    choose.addCatch(second.begin, { errors: ['JobNotYetPendingError'], assign: { event: '{% $states.input %}' } });
    const notChosen = unlessOnlySuspected(this, abandon);
    choose.addCatch(notChosen, noteFailure('$states.input', 'null'));
    second.look.addCatch(notChosen, noteFailure('$event', 'null'));

    const admit = lambdaState(this, 'AdmitJob', {
      lambda: props.admitJob,
      comment: 'The one gate: a duplicate ends here, before any side effect',
      payload: { event: '{% $event %}', choice: '{% $choice %}', execution: '{% $states.context.Execution.Id %}' },
      // Where the job runs may be the fallback of its mapping.
      assign: {
        attempt: '{% $states.result.Payload.attempt %}',
        choice: '{% $states.result.Payload.choice %}',
        onDemandOnly: '{% $states.result.Payload.onDemandOnly %}',
      },
    });
    admit.addCatch(ended('AlreadyAdmitted', 'A duplicate: the job has its runner'), {
      errors: ['JobAlreadyAdmittedError'],
    });
    admit.addCatch(ended('Waiting', 'A cap is reached: the job starts when a place is free'), {
      errors: ['CapReachedError'],
    });
    admit.addCatch(
      ended('WaitingForTurn', 'An earlier job is to run elsewhere: the gate asks again when it is its turn'),
      {
        errors: ['NotItsTurnError'],
      },
    );
    admit.addCatch(abandon, noteFailure('$event', 'null'));

    const register = lambdaState(this, 'RegisterRunner', {
      lambda: props.registerRunner,
      comment: 'A runner in GitLab with the tags of the job; its token waits as a ticket',
      payload: { event: '{% $event %}', choice: '{% $choice %}', attempt: '{% $attempt %}' },
      assign: { runner: '{% $states.result.Payload %}' },
    });
    register.addCatch(ended('NoLongerWanted', 'The job ended meanwhile'), { errors: ['RunnerStateChangedError'] });
    register.addCatch(abandon, noteFailure('$event', '$attempt'));

    const payload = runnerPayload(props);
    const invoke = invokeLambdaRunnerState(this, payload);
    invoke.addCatch(abandon, noteFailure('$event', '$attempt'));
    const note = noteLaunchState(this, props.runnersTable);
    // The function runs, whatever becomes of this note: binding works from REGISTERED too.
    note.addCatch(launched, { errors: ['States.ALL'] });

    const request = requestInstanceState(this, props.launchQueue);
    request.addCatch(abandon, noteFailure('$event', '$attempt'));

    const byType = Choice.jsonata(this, 'ByRunnerType', { stateName: 'ByRunnerType' });
    if (props.invokeIsolatedRunner) {
      const isolated = invokeIsolatedRunnerState(this, props.invokeIsolatedRunner, payload);
      isolated.addCatch(abandon, noteFailure('$event', '$attempt'));
      byType.when(Condition.jsonata('{% $exists($choice.tenantId) %}'), isolated.next(note));
    }
    const launches: Readonly<Record<RunnerType, IChainable>> = {
      LAMBDA: invoke.next(note).next(launched),
      EC2: request.next(launched),
    };
    for (const type of runnerTypes.slice(0, -1)) {
      byType.when(Condition.jsonata(`{% $choice.type = '${type}' %}`), launches[type]);
    }
    byType.otherwise(launches[runnerTypes.at(-1) ?? 'EC2']);
    const isOurs = Choice.jsonata(this, 'IsOurs', { stateName: 'IsOurs' })
      .when(Condition.jsonata(decided('LAUNCH')), admit)
      .when(Condition.jsonata(decided('LOOK_AGAIN')), second.begin)
      .otherwise(ended('Ignored', 'The job is left to other runners; nothing was written'));
    choose.next(isOurs);
    second.whenLaunched(admit);
    admit.next(register);
    register.next(byType);

    this.workflow = new Workflow(this, 'Workflow', {
      history: props.history,
      definition: choose,
      lambdas: [
        props.chooseRunner,
        props.admitJob,
        props.registerRunner,
        props.abandonRunner,
        ...(props.invokeIsolatedRunner ? [props.invokeIsolatedRunner] : []),
      ],
      comment: 'Gives a pending job a runner: choose, admit, register, launch',
    });
    if (props.runnerFunctionArns.length > 0) {
      this.workflow.addToRolePolicy(
        new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [...props.runnerFunctionArns] }),
      );
    }
    this.workflow.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:UpdateItem'], resources: [props.runnersTable.tableArn] }),
    );
  }
}
