import { join } from 'node:path';
import { Fn, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { subnetIdsOf } from '../../../infrastructure/deployment/network.ts';
import { grantPutEvents } from '../../events/event-bus.construct.ts';
import { AutoscalerFunction, type FunctionGivens } from '../../runner-store/autoscaler-function.construct.ts';
import type { Ec2RunnerProfile } from './ec2-profile.construct.ts';
import { grantTagging, grantTerminating } from './instance-permissions.construct.ts';
import type { LaunchProfile } from './launch-environment.ts';
import { grantLaunching } from './launch-permissions.construct.ts';
import { type LaunchQueue, launchTimeoutSeconds } from './launch-queue.construct.ts';
import type { TagQueue } from './tag-queue.construct.ts';

export type LaunchFunctionsProps = FunctionGivens & {
  readonly eventBus: IEventBus;
  readonly profiles: {
    readonly launch: Readonly<Record<string, LaunchProfile>>;
    readonly ec2: readonly Ec2RunnerProfile[];
  };
  readonly launchQueue: LaunchQueue;
  readonly tagQueue: TagQueue;
  /** Of the network: ids, separated by commas. */
  readonly subnetIds: string;
};

/** The functions that launch instances and tag them. */
export class LaunchFunctions {
  readonly launchInstances: AutoscalerFunction;
  readonly tagInstances: AutoscalerFunction;

  constructor(scope: Construct, props: LaunchFunctionsProps) {
    const { deployment, tables, eventBus, profiles, launchQueue, tagQueue, subnetIds } = props;
    const { resourceTags } = deployment;

    this.launchInstances = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'launch-instances.lambda.ts'),
      description: 'Launches instances for waiting requests',
      timeoutSeconds: launchTimeoutSeconds,
      environment: {
        LAUNCH_PROFILES: Stack.of(scope).toJsonString(profiles.launch),
        ...(Object.keys(resourceTags).length === 0 ? {} : { RESOURCE_TAGS: JSON.stringify(resourceTags) }),
        SUBNET_IDS: subnetIds,
      },
    });
    launchQueue.grantConsume(this.launchInstances);
    tables.grantReadRunners(this.launchInstances);
    tables.grantChangeRunners(this.launchInstances);
    tables.grantHandOutTickets(this.launchInstances);
    grantLaunching(this.launchInstances, deployment, profiles.ec2, networkSubnetsOf(props));
    grantTerminating(this.launchInstances, deployment);
    tagQueue.grantSend(this.launchInstances);
    grantPutEvents(this.launchInstances, eventBus);

    this.tagInstances = new AutoscalerFunction(scope, props, {
      entry: join(import.meta.dirname, 'tag-instances.lambda.ts'),
      description: 'Tags instances with their jobs, without haste',
      timeoutSeconds: launchTimeoutSeconds,
    });
    tagQueue.grantConsume(this.tagInstances);
    grantTagging(this.tagInstances, deployment);
  }
}

/** One by one: how many there are is known, and CloudFormation fills in which. */
function networkSubnetsOf({ deployment, subnetIds }: LaunchFunctionsProps): string[] {
  return subnetIdsOf(deployment.network).map((_, index) => Fn.select(index, Fn.split(',', subnetIds)));
}
