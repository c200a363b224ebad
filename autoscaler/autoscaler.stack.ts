import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { EventBus, type EventPattern, type IEventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Deployment, profilesOfType } from '../infrastructure/deployment/deployment.ts';
import { infrastructureParameters } from '../infrastructure/exports.ts';
import { type JobEventType, jobEventSource } from '../infrastructure/kit/job-event-types.ts';
import { AutoscalerFunctions } from './autoscaler-functions.construct.ts';
import { RunnerRemoval } from './destroy/runner-removal.construct.ts';
import { deadLetterQueue, deliveryOf } from './events/dead-letters.construct.ts';
import { endingStates, goneStates, spotWarningType, stateChangeType } from './events/instance-event.ts';
import { runnerFailedType } from './events/runner-failed.ts';
import { runnerUnwantedType } from './events/runner-unwanted.ts';
import { autoscalerParameters, type DeadLetterQueues, type DeployedProfiles } from './exports.ts';
import { turnsWantedType } from './gate/turns-wanted.ts';
import { InterruptRunner } from './interrupt-runner/interrupt-runner.construct.ts';
import { Reconciler } from './reconcile/reconciler.construct.ts';
import { Tables } from './runner-store/tables.construct.ts';
import { LaunchQueue } from './runner-types/ec2/launch-queue.construct.ts';
import { TagQueue } from './runner-types/ec2/tag-queue.construct.ts';
import { RunnerProfiles } from './runner-types/runner-profiles.construct.ts';
import { AbandonRunner } from './start-runner/abandon-runner.construct.ts';
import { StartRunner } from './start-runner/start-runner.construct.ts';
import { StopRunner } from './stop-runner/stop-runner.construct.ts';
import type { Workflow } from './workflow/workflow.construct.ts';

export type AutoscalerStackProps = StackProps & { readonly deployment: Deployment };

/** The heart: tables, the two workflows with their Lambdas, and what EC2 runners are launched from. */
export class AutoscalerStack extends Stack {
  constructor(scope: Construct, id: string, props: AutoscalerStackProps) {
    super(scope, id, { ...props, description: 'GitLab runners on demand: starts, binds and stops runners' });
    const { deployment } = props;
    const given = infrastructureParameters(deployment.name);
    const parameterValue = (name: string) => StringParameter.valueForStringParameter(this, name);
    const eventBus = EventBus.fromEventBusArn(this, 'EventBus', parameterValue(given.eventBusArn));
    const tables = new Tables(this, 'Tables');
    const profiles = new RunnerProfiles(this, 'Profiles', {
      deployment,
      tickets: tables.tickets,
      parameterValue,
    });
    const launchQueue = new LaunchQueue(this, 'LaunchQueue');
    const tagQueue = new TagQueue(this, 'TagQueue');
    const functions = new AutoscalerFunctions(this, 'Functions', {
      deployment,
      tables,
      profiles,
      eventBus,
      launchQueue,
      tagQueue,
      gitlabTokenSecretArn: parameterValue(given.gitlabTokenSecretArn),
      subnetIds: parameterValue(given.subnetIds),
    });
    // Lambda asks a queue day and night, and each question costs: not where nothing is ever launched.
    if (profilesOfType(deployment, 'EC2').length > 0) {
      launchQueue.consumeWith(functions.launch.launchInstances);
      tagQueue.consumeWith(functions.launch.tagInstances);
    }

    const { workflowHistory: history } = deployment;
    const start = new StartRunner(this, 'StartRunner', {
      history,
      ...functions.start,
      invokeIsolatedRunner: functions.invokeIsolatedRunner,
      launchQueue: launchQueue.queue,
      eventBus,
      runnerFunctionArns: profiles.functionArns,
      runnersTable: tables.runners,
      ticketsTableName: tables.tickets.claimable.tableName,
      gitlabUrl: deployment.gitlab.url,
      deployment: deployment.name,
    });
    eventBus.grantPutEventsTo(start.workflow);
    const ending = { ...functions.stop, ...functions.interrupt, eventBus, history };
    const stop = new StopRunner(this, 'StopRunner', ending);
    const interrupt = new InterruptRunner(this, 'InterruptRunner', ending);
    const abandon = new AbandonRunner(this, 'AbandonRunner', { ...functions.start, eventBus, history });

    const deadLetters = deadLetterQueue(this, 'DeadLetters');
    Validations.of(deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself, of rules; cdk-nag only knows those of queues.',
    });
    const delivery = deliveryOf(deadLetters);
    const rule = (ruleId: string, eventPattern: EventPattern) => new Rule(this, ruleId, { eventBus, eventPattern });
    const jobEvents = (type: JobEventType): EventPattern => ({ source: [jobEventSource], detailType: [type] });
    const detail = RuleTargetInput.fromEventPath('$.detail');
    const starting = ({ workflow }: { readonly workflow: Workflow }, input?: RuleTargetInput) =>
      new SfnStateMachine(workflow, { role: workflow.starter, ...(input ? { input } : {}), ...delivery });
    rule('OnJobPending', jobEvents('Job Pending')).addTarget(starting(start, detail));
    rule('OnJobRunning', jobEvents('Job Running')).addTarget(
      new LambdaFunction(functions.bindRunner, { event: detail, ...delivery }),
    );
    rule('OnTurnsWanted', { source: [jobEventSource], detailType: [turnsWantedType] }).addTarget(
      new LambdaFunction(functions.giveTurns, { event: detail, ...delivery }),
    );
    rule('OnJobFinished', jobEvents('Job Finished')).addTarget(starting(stop, detail));
    rule('OnRunnerUnwanted', { source: [jobEventSource], detailType: [runnerUnwantedType] }).addTarget(
      starting(interrupt, detail),
    );
    rule('OnRunnerFailed', { source: [jobEventSource], detailType: [runnerFailedType] }).addTarget(
      starting(abandon, detail),
    );
    rule('OnLambdaRunnerFailed', {
      source: ['lambda'],
      detailType: ['Lambda Function Invocation Result - Failure'],
      detail: { requestPayload: { kind: ['run-job'] } },
    }).addTarget(starting(abandon, detail));

    new Reconciler(this, 'Reconciler', {
      deployment,
      reconcile: functions.reconcile,
      deadLetters: [deadLetters, launchQueue.deadLetters],
    });

    // EC2 tells of every instance of the account on its default bus, and not of their tags: whose it is, the workflow
    // looks up.
    const ec2Rule = (ruleId: string, eventPattern: EventPattern) =>
      new Rule(this, ruleId, { eventPattern: { source: ['aws.ec2'], ...eventPattern } }).addTarget(starting(interrupt));
    ec2Rule('OnSpotWarning', { detailType: [spotWarningType] });
    ec2Rule('OnInstanceEnd', { detailType: [stateChangeType], detail: { state: [...endingStates, ...goneStates] } });

    const removal = new RunnerRemoval(this, 'RunnerRemoval', {
      removeRunners: functions.removeRunners,
      needs: [tables, profiles],
    });
    removal.outlive(this);

    const names = autoscalerParameters(deployment.name);
    const publish = (parameterName: string, stringValue: string) =>
      new StringParameter(this, `Export${parameterName.split('/').at(-1)}`, { parameterName, stringValue });
    publish(names.mappingsTable, tables.mappings.tableName);
    publish(names.runnersTable, tables.runners.tableName);
    publish(names.ticketsTable, tables.tickets.claimable.tableName);
    publish(names.waitingTicketsTable, tables.tickets.waiting.tableName);
    publish(names.profiles, this.toJsonString(deployedProfilesOf(profiles)));
    publish(names.deadLetterQueues, this.toJsonString(deadLetterQueuesOf(deadLetters, launchQueue, eventBus)));
  }
}

/** What mappings can name. */
function deployedProfilesOf({ runtime }: RunnerProfiles): DeployedProfiles {
  const entries = Object.entries(runtime).map(
    ([name, { type, functionArn }]) => [name, { type, functionArn }] as const,
  );
  return Object.fromEntries(entries);
}

/** Where dead letters are, and where each goes when it is sent again. */
function deadLetterQueuesOf(deadLetters: Queue, launchQueue: LaunchQueue, eventBus: IEventBus): DeadLetterQueues {
  return {
    events: { url: deadLetters.queueUrl, to: 'bus', target: eventBus.eventBusArn },
    launches: { url: launchQueue.deadLetters.queueUrl, to: 'queue', target: launchQueue.queue.queueUrl },
  };
}
