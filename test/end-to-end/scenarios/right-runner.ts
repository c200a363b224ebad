import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, type PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { autoscalerParameters } from '../../../autoscaler/exports.ts';
import { readParameter } from '../../../helper-scripts/cli/deployment-names.client.ts';
import type { JobView } from '../../../helper-scripts/local-gitlab/job-view.ts';
import type { World } from '../world.ts';

type Row = NonNullable<PutItemCommandInput['Item']>;

const row = (name: string, more: Row): Row => ({ pk: { S: `job#${name}` }, sk: { S: 'tags#' }, ...more });
const rows: readonly Row[] = [
  row('heavy*', { type: { S: 'EC2' } }),
  row('huge*', { type: { S: 'EC2' }, profile: { S: 'large' } }),
  row('light*', { type: { S: 'LAMBDA' }, arn: { S: 'shell' } }),
  row('theirs', { type: { S: 'IGNORE' } }),
];
const profiles: Readonly<Record<string, string>> = { heavy: 'default', huge: 'large', light: 'shell' };
/** All profiles, in two lines whose runners fit each other's jobs, in another order each round. */
function thirtyJobs(round: number): string {
  const kinds = Object.keys(profiles);
  const tags = ['[mixed]', '[calm]', '[mixed, wide]', '[calm, deep]'];
  return Array.from({ length: 30 }, (_, index) => {
    const kind = kinds[(index + Math.floor(index / round)) % kinds.length];
    return `${kind} ${index + 1}: { tags: ${tags[(index * round) % tags.length]}, script: [echo ${kind}] }`;
  }).join('\n');
}
/** An edit counts within ten seconds. */
const editSeconds = 10;

export function rightRunner(world: () => World): void {
  async function table() {
    const { run } = world();
    const name = autoscalerParameters(run.deployment).mappingsTable;
    const TableName = await readParameter(name, new SSMClient(run.clientOptions()));
    return { TableName, dynamodb: new DynamoDBClient(run.clientOptions()) };
  }

  beforeAll(async () => {
    const { TableName, dynamodb } = await table();
    for (const Item of rows) await dynamodb.send(new PutItemCommand({ TableName, Item }));
    await sleep(editSeconds * 1_000);
  });

  afterAll(async () => {
    const { TableName, dynamodb } = await table();
    for (const { pk, sk } of rows) {
      await dynamodb.send(new DeleteItemCommand({ TableName, Key: { pk: pk as never, sk: sk as never } }));
    }
  });

  const start = (names: readonly string[], tags: string) =>
    world().startPipeline(names.map((name) => `${name}: { ${tags}script: [echo ${name}] }`).join('\n'));

  /**
   * Listens until the test ends: GitLab forgets a job's runner when the runner is removed, and an item forgets it with
   * its next attempt.
   */
  function listen(test: TestContext) {
    const ranOn = new Map<number, Promise<string | undefined>>();
    const profileOf = async (id: number | null) =>
      (await world().run.readItems()).find(({ runnerId }) => runnerId === id)?.profile;
    test.onTestFinished(
      world().run.gitlab.onJobChange(({ to, job }) => {
        if (to === 'running') ranOn.set(job.id, profileOf(job.runnerId));
      }),
    );
    /** The profile of the runner that each job ran on, by the job's name. */
    return async (jobs: readonly JobView[]): Promise<Record<string, string | undefined>> =>
      Object.fromEntries(await Promise.all(jobs.map(async ({ id, name }) => [name, await ranOn.get(id)])));
  }
  async function pauseSharedRunner(paused: boolean): Promise<void> {
    const { url, adminToken } = world().run.gitlab;
    const api = async (path: string, init?: RequestInit) => {
      const headers = { 'private-token': adminToken, 'content-type': 'application/json' };
      const response = await fetch(`${url}/api/v4${path}`, { ...init, headers });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return response.json() as Promise<unknown>;
    };
    const runners = (await api('/runners/all')) as { readonly id: number; readonly description: string }[];
    const shared = runners.find(({ description }) => description === 'shared-runner');
    await api(`/runners/${shared?.id}`, { method: 'PUT', body: JSON.stringify({ paused }) });
  }
  const asMapped = (jobs: readonly JobView[]) =>
    Object.fromEntries(jobs.map(({ name }) => [name, profiles[name.split(' ')[0] ?? '']]));

  it.for([
    {
      what: 'one tag in common',
      tags: 'tags: [mixed], ',
      names: ['heavy 1', 'light 1', 'heavy 2', 'light 2', 'heavy 3'],
    },
    {
      what: 'two tags in common',
      tags: 'tags: [mixed, wide], ',
      names: ['light 1', 'heavy 1', 'huge 1', 'light 2', 'heavy 2'],
    },
  ])('runs each of five jobs with $what where its row says', async ({ tags, names }, test) => {
    const ranOn = listen(test);
    const jobs = start(names, tags);
    const over = await world().untilOver(...jobs);
    expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
    await world().untilNothingIsLeft();
    expect(await ranOn(jobs)).toEqual(asMapped(jobs));
  });

  it('runs each of five jobs without tags where its row says, with no instance runner beside', async (test) => {
    const ranOn = listen(test);
    await pauseSharedRunner(true);
    test.onTestFinished(() => pauseSharedRunner(false));
    const jobs = start(['heavy 1', 'light 1', 'huge 1', 'light 2', 'heavy 2'], '');
    const over = await world().untilOver(...jobs);
    expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
    await world().untilNothingIsLeft();
    expect(await ranOn(jobs)).toEqual(asMapped(jobs));
  });

  it('runs 30 jobs of mixed kinds where their rows say, twice in a row', async (test) => {
    const ranOn = listen(test);
    for (const round of [1, 2]) {
      const jobs = world().startPipeline(thirtyJobs(round));
      const over = await world().untilOver(...jobs);
      expect(over.map(({ status }) => status)).toEqual(jobs.map(() => 'success'));
      // Runners that were made for jobs which others served may be left, and are ended when they got no job in time.
      await world().withPasses(() => world().untilNothingIsLeft());
      expect(await ranOn(jobs), `round ${round}`).toEqual(asMapped(jobs));
    }
  });

  it('takes no job that a row leaves to others, and lets those behind it go when it is over', async (test) => {
    const ranOn = listen(test);
    const [theirs, ...ours] = start(['theirs', 'heavy 1', 'light 1'], 'tags: [mixed], ');
    const [heavy, light] = ours;
    if (!theirs || !heavy || !light) throw new Error('the pipeline has not three jobs');
    await world().untilState(heavy, 'LAUNCHED');
    expect(await world().untilState(light, 'WAITING')).toMatchObject({ waitsFor: { error: 'NotItsTurnError' } });
    // Longer than a host takes to come for its ticket.
    await sleep(5_000);
    expect(world().job(theirs.id).status).toBe('pending');
    world().run.gitlab.cancelJob(theirs.id);
    await world().untilOver(...ours);
    await world().untilNothingIsLeft();
    expect(await ranOn(ours)).toEqual(asMapped(ours));
  });
}
