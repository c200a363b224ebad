import type { FleetAnswer, FleetRequest, Instances, Lifecycle } from '../../autoscaler/runner-types/ec2/fleet.ts';
import type { InstanceList } from '../../autoscaler/runner-types/ec2/instance-list.ts';
import { LaunchTokenReusedError } from '../../autoscaler/runner-types/ec2/launch-errors.ts';
import { testStart } from './builders.ts';

export type InMemoryInstances = Instances &
  InstanceList & {
    /** Instances that live, with the request that they came from. */
    readonly running: Map<string, FleetRequest>;
    /** Requests that launched something or tried to: a repeated one is not among them. */
    readonly launches: FleetRequest[];
    /** How many instances EC2 still has; as many as asked for when absent. */
    readonly capacity: Partial<Record<Lifecycle, number>>;
    /** When each instance was launched, and what tags it got since. */
    readonly launchedAt: Map<string, string>;
    readonly laterTags: Map<string, Readonly<Record<string, string>>>;
  };

/** EC2 in memory: capacity, and CreateFleet's idempotency as AWS describes it. */
export function inMemoryInstances(
  capacity: Partial<Record<Lifecycle, number>> = {},
  now: () => number = () => testStart,
): InMemoryInstances {
  const launchedAt = new Map<string, string>();
  const laterTags = new Map<string, Readonly<Record<string, string>>>();
  const running = new Map<string, FleetRequest>();
  const launches: FleetRequest[] = [];
  const answers = new Map<string, { readonly parameters: string; readonly instanceIds: readonly string[] }>();
  const left = { ...capacity };
  let launched = 0;

  return {
    running,
    launches,
    capacity: left,
    launchedAt,
    laterTags,
    async launch(request, clientToken) {
      const parameters = JSON.stringify(request);
      const earlier = answers.get(clientToken);
      if (earlier && earlier.parameters !== parameters) throw new LaunchTokenReusedError('IdempotentParameterMismatch');
      if (earlier) return repeated(earlier.instanceIds, request, running);
      const count = Math.min(request.count, left[request.lifecycle] ?? request.count);
      const instanceIds = Array.from({ length: count }, () => {
        launched += 1;
        return `i-${String(launched).padStart(4, '0')}`;
      });
      for (const instanceId of instanceIds) {
        running.set(instanceId, request);
        launchedAt.set(instanceId, new Date(now()).toISOString());
      }
      if (left[request.lifecycle] !== undefined) left[request.lifecycle] = (left[request.lifecycle] ?? 0) - count;
      launches.push(request);
      answers.set(clientToken, { parameters, instanceIds });
      return { instanceIds, errorCodes: errorsOf(count, request), verdict: 'answered' };
    },
    async terminate(instanceIds) {
      for (const instanceId of instanceIds) running.delete(instanceId);
    },
    async listInstances() {
      return [...running].map(([instanceId, { tags }]) => ({
        instanceId,
        launchedAt: launchedAt.get(instanceId) ?? '',
        tags: { ...tags, ...laterTags.get(instanceId) },
      }));
    },
  };
}

/** Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html */
function repeated(
  instanceIds: readonly string[],
  request: FleetRequest,
  running: ReadonlyMap<string, FleetRequest>,
): FleetAnswer {
  const ended = instanceIds.length > 0 && instanceIds.every((instanceId) => !running.has(instanceId));
  if (ended) return { instanceIds: [], errorCodes: ['IdempotentInstanceTerminated'], verdict: 'ended' };
  return { instanceIds, errorCodes: errorsOf(instanceIds.length, request), verdict: 'answered' };
}

function errorsOf(given: number, { count }: FleetRequest): string[] {
  return given < count ? ['InsufficientInstanceCapacity'] : [];
}
