import type { FleetAnswer, FleetRequest } from '../../autoscaler/runner-types/ec2/fleet.ts';
import type { ListedInstance } from '../../autoscaler/runner-types/ec2/instance-list.ts';
import {
  LaunchThrottledError,
  LaunchTokenReusedError,
  PermanentLaunchError,
} from '../../autoscaler/runner-types/ec2/launch-errors.ts';
import type { Faults } from './faults.ts';
import type { VirtualTime } from './virtual-time.ts';

export type SimulatedInstance = {
  readonly id: string;
  readonly nth: number;
  readonly request: FleetRequest;
  readonly launchedAt: number;
  state: 'pending' | 'running' | 'shutting-down' | 'terminated';
  /** When it became `shutting-down`. */
  endedAt: number | null;
};

export type Ec2ModelOptions = {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly onLaunch: (instance: SimulatedInstance) => void;
  /** Told just before the control plane terminates an instance that lives. */
  readonly onTerminate: (instance: SimulatedInstance) => void;
  /** What EC2 tells of an instance that ends. */
  readonly onEnd: (instance: SimulatedInstance) => void;
};

/** CreateFleet takes about two calls a second. */
const callsPerSecond = 2;
const burstCalls = 4;
const shutdownMilliseconds = 15_000;

export type Ec2Model = ReturnType<typeof createEc2Model>;

/** EC2: launches with their tokens, the pace that it allows, and instances that come and go. */
export function createEc2Model({ time, faults, onLaunch, onTerminate, onEnd }: Ec2ModelOptions) {
  const instances = new Map<string, SimulatedInstance>();
  const launches = new Map<string, { readonly parameters: string; readonly answer: FleetAnswer }>();
  let missed = false;
  const bucket = { calls: burstCalls, at: time.now() };

  function end(instance: SimulatedInstance): void {
    if (!lives(instance)) return;
    instance.state = 'shutting-down';
    instance.endedAt = time.now();
    onEnd(instance);
    time.after(shutdownMilliseconds, () => {
      instance.state = 'terminated';
      onEnd(instance);
    });
  }

  function seenUntil(): number {
    return time.now() - (faults.isOn('describe-stale') ? 20_000 : 1_000);
  }

  function takeCall(): void {
    const now = time.now();
    bucket.calls = Math.min(burstCalls, bucket.calls + ((now - bucket.at) / 1_000) * callsPerSecond);
    bucket.at = now;
    if (bucket.calls < 1) {
      faults.count('ec2-throttled');
      throw new LaunchThrottledError('RequestLimitExceeded');
    }
    bucket.calls -= 1;
  }

  /** What the account's quota leaves. */
  function placesLeft(): number {
    const quota = faults.now('instances-limited');
    return quota ? Math.max(0, quota.most - [...instances.values()].filter(lives).length) : Number.POSITIVE_INFINITY;
  }

  return {
    instances,
    /** An instance ends: by itself, by a person, or by EC2. */
    end,
    async launch(request: FleetRequest, clientToken: string): Promise<FleetAnswer> {
      takeCall();
      if (faults.isOn('launch-refused')) throw new PermanentLaunchError('UnauthorizedOperation');
      const parameters = JSON.stringify(request);
      const earlier = launches.get(clientToken);
      if (earlier && earlier.parameters !== parameters) throw new LaunchTokenReusedError('IdempotentParameterMismatch');
      if (earlier) return repeated(earlier.answer, instances);
      const none = faults.isOn('no-capacity') || (request.lifecycle === 'spot' && faults.isOn('no-spot'));
      // Sometimes EC2 has something, but not all.
      const had = none ? Math.floor(request.count / 2) : request.count;
      const allowed = placesLeft();
      const count = Math.min(had, allowed);
      const made = Array.from({ length: count }, (): SimulatedInstance => {
        const nth = instances.size + 1;
        const id = `i-${nth.toString(16).padStart(4, '0')}`;
        const instance: SimulatedInstance = {
          id,
          nth,
          request,
          launchedAt: time.now(),
          state: 'pending',
          endedAt: null,
        };
        instances.set(id, instance);
        return instance;
      });
      const why = allowed < had ? 'VcpuLimitExceeded' : 'InsufficientInstanceCapacity';
      const errorCodes = count < request.count ? [why] : [];
      const answer = { instanceIds: made.map(({ id }) => id), errorCodes, verdict: 'answered' } as const;
      launches.set(clientToken, { parameters, answer });
      for (const instance of made) onLaunch(instance);
      return answer;
    },
    async terminate(instanceIds: readonly string[]): Promise<void> {
      for (const id of instanceIds) {
        const instance = instances.get(id);
        if (!instance || !lives(instance)) continue;
        onTerminate(instance);
        end(instance);
      }
    },
    /** What DescribeInstances says of one instance, whose end it may learn late. */
    isGone(instanceId: string): boolean {
      const { endedAt = 0 } = instances.get(instanceId) ?? {};
      return endedAt !== null && endedAt <= seenUntil();
    },
    /** What DescribeInstances shows, which is not what there is: a new instance comes late, a state lags. */
    list(): readonly ListedInstance[] {
      // Never twice in a row: the reconciler promises no more than two looks.
      missed = !missed && faults.strikeNth('describe-missed') !== undefined;
      if (missed) return [];
      const then = seenUntil();
      const seen = [...instances.values()].filter(
        ({ launchedAt, endedAt }) => launchedAt <= then && (endedAt === null || endedAt > then),
      );
      return seen.map(({ id, launchedAt, request }) => ({
        instanceId: id,
        launchedAt: new Date(launchedAt).toISOString(),
        tags: request.tags,
      }));
    },
  };
}

export function lives({ state }: SimulatedInstance): boolean {
  return state === 'pending' || state === 'running';
}

/** Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html */
function repeated(answer: FleetAnswer, instances: ReadonlyMap<string, SimulatedInstance>): FleetAnswer {
  const { instanceIds } = answer;
  const gone = instanceIds.every((id) => !lives(instances.get(id) as SimulatedInstance));
  if (instanceIds.length > 0 && gone)
    return { instanceIds: [], errorCodes: ['IdempotentInstanceTerminated'], verdict: 'ended' };
  return answer;
}
