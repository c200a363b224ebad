import { describe, expect, it } from 'vitest';
import {
  type LaunchInstancesPorts,
  launchInstances,
} from '../../../../autoscaler/runner-types/ec2/launch-instances.lambda.ts';
import { sourcesOf } from '../../../../autoscaler/runner-types/ec2/launch-source.ts';
import { crashingPorts } from '../../../support/crashing-ports.ts';
import { type LaunchWorldOptions, launchProfile, launchWorld } from './launch-world.ts';

type Scenario = {
  readonly name: string;
  readonly options: LaunchWorldOptions;
  readonly jobs: readonly number[];
  readonly large?: readonly number[];
};

const scenarios: readonly Scenario[] = [
  { name: 'three jobs, capacity for all', options: {}, jobs: [1, 2, 3] },
  { name: 'two profiles', options: {}, jobs: [1, 2], large: [3] },
  { name: 'spot for some, on-demand for the rest', options: { capacity: { spot: 1 } }, jobs: [1, 2, 3] },
  { name: 'capacity for some', options: { capacity: { spot: 1, 'on-demand': 1 } }, jobs: [1, 2, 3] },
  { name: 'capacity for none', options: { capacity: { spot: 0, 'on-demand': 0 } }, jobs: [1, 2] },
];

/** What the profiles are after something else was deployed: other templates, types and subnets. */
const deployedAnew = sourcesOf(
  {
    default: launchProfile({ launchTemplateVersion: '4', instanceTypes: ['c7a.large'] }),
    large: launchProfile({ launchTemplateId: 'lt-3', maxPriceUsd: 0.2 }),
  },
  ['subnet-8', 'subnet-9'],
);

/** The launcher dies at its call number `call`; then every message comes again, `using` these, until all are done. */
async function crashAt(
  scenario: Scenario,
  call: number,
  moment: 'before' | 'after',
  using: Partial<LaunchInstancesPorts> = {},
) {
  const world = launchWorld(scenario.options);
  world.request(scenario.jobs);
  world.request(scenario.large ?? [], 'large');
  const { store, instances, queue } = world;
  const dying = crashingPorts({ store, instances, queue }, call, moment);
  const batch = queue.receive();
  const answer = await launchInstances(batch, { ...world.ports, ...dying.ports }, world.context).catch(() => null);
  if (answer) queue.settle(batch, answer);
  for (let deliveries = 0; deliveries < 5 && queue.messages.size > 0; deliveries += 1) await world.deliver(using);
  return { world, crashed: dying.crashed(), answered: answer !== null };
}

/** Every call at which the launcher can die in a scenario. */
async function eachCrash(scenario: Scenario, moment: 'before' | 'after', using: Partial<LaunchInstancesPorts> = {}) {
  const outcomes = [];
  for (let call = 1; ; call += 1) {
    const outcome = await crashAt(scenario, call, moment, using);
    if (!outcome.crashed) return outcomes;
    outcomes.push({ call, ...outcome });
  }
}

const instancesWanted = ({ options: { capacity = {} }, jobs, large = [] }: Scenario) => {
  const wanted = jobs.length + large.length;
  const { spot = wanted, 'on-demand': onDemand = wanted } = capacity;
  return Math.min(wanted, spot + onDemand);
};

describe.each(['before', 'after'] as const)('a launcher that dies %s any one of its calls', (moment) => {
  it.each(scenarios)('loses nothing and doubles nothing once its messages come again: $name', async (scenario) => {
    const crashes = await eachCrash(scenario, moment);
    expect(crashes.length).toBeGreaterThan(8);
    for (const { call, world } of crashes) {
      const { running } = world.instances;
      const summary = { call, faults: world.faults(), given: Object.keys(world.given()).length, alive: running.size };
      const wanted = instancesWanted(scenario);
      expect(summary).toEqual({ call, faults: [], given: wanted, alive: wanted });
    }
  });

  it.each(scenarios)(
    'loses and doubles nothing either when something else is deployed before they come again: $name',
    async (scenario) => {
      for (const { call, world } of await eachCrash(scenario, moment, { sourceOf: deployedAnew })) {
        const wanted = instancesWanted(scenario);
        const launched = world.instances.launches.reduce((sum, { count }) => sum + count, 0);
        const summary = { call, faults: world.faults(), alive: world.instances.running.size };
        expect(summary).toEqual({ call, faults: [], alive: wanted });
        if (Object.keys(scenario.options).length === 0) expect({ call, launched }).toEqual({ call, launched: wanted });
      }
    },
  );

  it.each(scenarios)('keeps the message of every job that has no instance: $name', async (scenario) => {
    for (const { call, world } of await eachCrash(scenario, moment)) {
      const jobs = [...scenario.jobs, ...(scenario.large ?? [])];
      const without = jobs.filter((jobId) => world.item(jobId)?.state === 'REGISTERED');
      const waiting = [...world.queue.messages.values()].map((body) => JSON.parse(body).jobId);
      expect({ call, waiting: waiting.sort() }).toEqual({ call, waiting: without });
    }
  });

  it('launches as many instances as were wanted, over all of its deliveries', async () => {
    const [scenario] = scenarios as [Scenario];
    for (const { call, world } of await eachCrash(scenario, moment)) {
      const launched = world.instances.launches.reduce((sum, { count }) => sum + count, 0);
      expect({ call, launched }).toEqual({ call, launched: 3 });
    }
  });

  it('reports a runner as failed at least once, when its launch is hopeless', async () => {
    for (let call = 1; ; call += 1) {
      const world = launchWorld();
      world.request([1], 'gone');
      const { store, instances, queue } = world;
      const dying = crashingPorts({ store, instances, queue }, call, moment);
      const batch = queue.receive();
      const answer = await launchInstances(batch, { ...world.ports, ...dying.ports }, world.context).catch(() => null);
      if (answer) queue.settle(batch, answer);
      await world.deliver();
      expect({ call, reported: queue.reported.length > 0 }).toEqual({ call, reported: true });
      if (!dying.crashed()) return;
    }
  });
});

it('a group that was written down is launched at once, though its write was sent again for a lost answer', async () => {
  const world = launchWorld();
  world.request([1, 2]);
  let isFirst = true;
  const { store } = world;
  const repeating: LaunchInstancesPorts['store'] = {
    ...store,
    async write(...parts) {
      await store.write(...parts);
      if (isFirst) {
        isFirst = false;
        await store.write(...parts);
      }
    },
  };
  expect(await world.deliver({ store: repeating })).toEqual([]);
  expect(Object.keys(world.given())).toEqual(['job#7#1', 'job#7#2']);
  expect(world.faults()).toEqual([]);
});
