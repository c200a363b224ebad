import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Delivery } from '../../../helper-scripts/local-gitlab/delivery.ts';
import type { World } from '../world.ts';

const pipeline = [
  'on a function: { tags: [aws], script: [echo fine] }',
  'on an instance: { tags: [aws, big], script: [sleep 1, echo fine] }',
  'later: { tags: [aws], stage: deploy, script: [echo fine] }',
].join('\n');

const copiesEach = 5;
/** Copies arrive as much later than they should at most: `created` long after the job's end. */
const mostLateMilliseconds = 6_000;

export function hookFaults(world: () => World): void {
  /**
   * Half a minute: fifteen seconds until the next look at projects, two looks for each step of either stage, the boot
   * of a host.
   */
  it('brings all jobs of a pipeline to an end of which no hook ever came, by the reconciler alone, and lets those of others wait', async () => {
    const { gitlab } = world().run;
    // A project is known from its first job on.
    await world().untilOver(...world().startPipeline('first: { tags: [aws], script: [echo known] }'));
    await world().untilNothingIsLeft();
    const drop = gitlab.faults.addWebhook({ effect: { kind: 'drop' } });
    // No mapping has its tag: it waits for somebody else's runner, which is not there.
    const [foreign] = world().startPipeline('for others: { tags: [windows], script: [echo never] }');
    const jobs = world().startPipeline(pipeline);

    const over = await world().withPasses(async () => {
      const ended = await world().untilOver(...jobs);
      await world().untilNothingIsLeft();
      return ended;
    });
    gitlab.faults.clear(drop);
    expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
    if (!foreign) throw new Error('the pipeline has no job');
    expect(world().job(foreign.id).status).toBe('pending');
    // A job that was asked for in vain stays suspected as long as it waits.
    const suspicions = await world().suspicions();
    expect(suspicions.filter((key) => key.endsWith(`#${foreign.id}`))).toEqual([]);
    gitlab.cancelJob(foreign.id);
    const hooks = gitlab.deliveries().filter(({ jobId }) => jobs.some(({ id }) => id === jobId));
    expect(new Set(hooks.map(({ outcome }) => outcome))).toEqual(new Set(['dropped']));
  });

  /** A quarter of a minute, of which two boots take the most. */
  it('gives jobs their runners of which no hook says pending, but a second created, without the reconciler', async () => {
    const { gitlab } = world().run;
    const stale = gitlab.faults.addWebhook({ statuses: ['pending'], effect: { kind: 'stale' } });
    const jobs = world().startPipeline(pipeline);
    const over = await world().untilOver(...jobs);
    gitlab.faults.clear(stale);
    await world().untilNothingIsLeft();

    expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
    for (const job of jobs) {
      const bodies = gitlab.deliveries().flatMap(({ jobId, body }) => (jobId === job.id ? [JSON.parse(body)] : []));
      const told = bodies.map((body) => body.build_status);
      expect(told).toEqual(['created', 'created', 'running', 'success']);
      // What the reconciler asks for came with no delivery; so does what the gate starts in its turn, which is no host.
      const item = await world().itemOf(job);
      const deliveryId = item?.type === 'EC2' ? expect.any(String) : null;
      expect(item?.event).toMatchObject({ status: 'pending', deliveryId });
    }
  });

  /** A quarter of a minute, of which the late copies take a half. */
  it('runs each job once when each hook of a pipeline comes five times, in any order', async () => {
    const { gitlab } = world().run;
    const seed = Number(process.env.HOOK_ORDER_SEED ?? randomInt(2 ** 31));
    console.log(`end to end: HOOK_ORDER_SEED=${seed} gives this order of hooks again`);
    const random = randomFrom(seed);
    const drop = gitlab.faults.addWebhook({ effect: { kind: 'drop' } });
    const runners = new Set<number>();
    const watching = setInterval(() => {
      for (const { id } of world().runners()) runners.add(id);
    }, 20);
    const jobs = world().startPipeline(pipeline);
    const isOurs = ({ jobId, outcome }: Delivery) => outcome === 'dropped' && jobs.some(({ id }) => id === jobId);

    const seen = new Set<number>();
    const sends: Promise<Delivery>[] = [];
    const sendLate = async (id: number, milliseconds: number) => {
      await sleep(milliseconds);
      return gitlab.resend(id);
    };
    const over = await world().until('all jobs to be over and all copies to be sent', async () => {
      for (const { id } of gitlab.deliveries().filter(isOurs)) {
        if (seen.has(id)) continue;
        seen.add(id);
        for (let copy = 0; copy < copiesEach; copy += 1) sends.push(sendLate(id, random() * mostLateMilliseconds));
      }
      const now = jobs.map(({ id }) => world().job(id));
      return now.every(({ status }) => status === 'success') && now;
    });
    const answers = await Promise.all(sends);
    gitlab.faults.clear(drop);
    // What the last hooks started has its time behind them.
    await world().untilOver(...world().startPipeline('behind them: { tags: [aws], script: [echo later] }'));
    await world().untilNothingIsLeft();
    clearInterval(watching);

    expect(over).toHaveLength(3);
    // One each, and one more where a hook says too late which job a runner took; each copy counted for itself would
    // make fifteen.
    expect(runners.size).toBeLessThanOrEqual(2 * jobs.length);
    expect(answers.length).toBeGreaterThanOrEqual(copiesEach * jobs.length * 3);
    for (const { outcome } of answers) expect([200, 202]).toContain(outcome);
    // FAILED: the runner that was made for the job came too late for any job, and was given up.
    for (const job of jobs) {
      const { state, jobState } = (await world().itemOf(job)) ?? {};
      expect([jobState, state]).toEqual(['FINISHED', expect.stringMatching(/^(RELEASED|FAILED)$/)]);
    }
  });
}

/**
 * Numbers from 0 to 1, the same for the same seed. Source: https://en.wikipedia.org/wiki/Linear_congruential_generator
 * (MINSTD)
 */
function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
