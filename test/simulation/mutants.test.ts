import { describe, expect, it } from 'vitest';
import { generateSchedule } from './generate-schedule.ts';
import { mutants } from './mutants.ts';
import { runSchedule } from './run-schedule.ts';
import { shrinkSchedule } from './shrink-schedule.ts';

/** From the first seed on, as many as `simulation.test.ts` runs of the real code. */
const mostSchedules = 2_100;

/** Where the rarer ones were found, to look there first: whoever changes what is generated need not change this. */
const firstSeeds: Readonly<Record<string, number>> = {
  'launches have no ClientToken of their group': 75,
  'a hook that says created is believed, although the pipeline runs': 26,
  'a hook that says running of a job that nobody runs is believed': 444,
  'a job that is about to wait is not looked at again': 444,
  'a hook that says that a job is over is believed': 425,
  'a runner is stopped without a drain': 18,
  'a ticket can be read twice': 334,
  'the runner that a payload names is believed': 38,
  'as many messages come again as failed, but not those': 1212,
  'an abandoned runner stays in GitLab': 9,
  'nobody misses the runner that another job took': 63,
  'the job that counted on the idle runner of another one is forgotten': 210,
  'the reconciler acts on one look': 731,
  'the reconciler does not look for runners that nobody accounts for': 50,
  'a host of a long-lived runner is ended on a look alone': 33,
  'a long-lived runner is paused when one of its hosts is drained': 33,
  'a host of a long-lived runner is not told that it is one of many': 55,
  'the hosts of a long-lived runner stay in GitLab': 33,
  'nobody asks which host of a long-lived runner has a job': 1540,
  'the retry of an interrupted job gets spot capacity': 18,
  'nobody tells the job that waits for a place': 51,
  'a cap is looked at, but not claimed': 69,
  'nobody looks at how an interrupted job ended': 44,
  'an interrupted job is retried as often as it is asked for': 1162,
  'a job stays where it failed, whatever its mapping says': 20,
  'a function is invoked for no project': 20,
  'whatever keeps a runner from being started costs an attempt': 507,
  'a function that was never started costs an attempt': 537,
  'a function that could not reach GitLab costs an attempt': 1107,
  'nobody notes that GitLab is away': 17,
  'nobody looks at a waiting job again': 17,
  'the reconciler never looks at a waiting job': 27,
  'waiting jobs are looked at while GitLab is away': 1267,
  'a limit of GitLab is met again and again at once': 1437,
  'attempts that were excused are forgotten': 17,
  'an attempt that was given up has its number used again': 17,
  'a job that waits keeps its places': 437,
  'runners ask before it is their turn': 40,
  'a runner that holds its token is taken back too late': 1184,
  'a ticket is taken back too late': 8,
  'a place is held while its runner waits for its turn': 536,
  'what comes while somebody decides is forgotten': 2549,
  'nobody decides any more once somebody has died of it': 74,
  'earlier jobs of which only GitLab knows are not asked for': 40,
  'the path that a hook says is believed': 203,
  'the name that a hook says is believed': 203,
  'the ref that a hook says is believed': 111,
  'the list of allowed projects is not asked where a runner is chosen': 180,
  'any word that a job has its runner is believed': 456,
  'the runner that a hook says a job has is believed': 456,
  'the time is believed since when a hook says that a job runs': 847,
  'the runner that the hook of an end names is believed': 203,
  'the end of a job that GitLab does not know is noted': 1284,
};

async function find(name: string) {
  const first = firstSeeds[name] ?? 1;
  for (let seed = first; seed < first + mostSchedules; seed += 1) {
    const schedule = generateSchedule(seed);
    const report = await runSchedule(schedule, mutants[name]);
    if (report.violation) return { schedule, report };
  }
  return null;
}

/** The rarest one takes some thousand schedules, on a machine that may be busy. */
const searchMilliseconds = 900_000;

describe('a bug that is planted', () => {
  it.each(Object.keys(mutants))(
    'is found: %s',
    async (name) => {
      expect((await find(name))?.report.violation?.what).toEqual(expect.any(String));
    },
    searchMilliseconds,
  );

  it('is shown by the shortest schedule found', async () => {
    const name = 'a ticket can be read twice';
    const found = await find(name);
    if (!found) throw new Error('The bug was not found');
    const { schedule, report } = await shrinkSchedule(found.schedule, found.report, mutants[name]);
    expect(schedule.jobs.length).toBeLessThan(found.schedule.jobs.length);
    expect(schedule.jobs.length).toBeLessThan(4);
    expect(schedule.faults.map(({ kind }) => kind)).toEqual(['function-repeated']);
    expect(report.violation?.invariant).toBe(found.report.violation?.invariant);
  });
});
