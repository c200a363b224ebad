import { beforeEach, describe, expect, it } from 'vitest';
import { parseCiConfig } from '../../../helper-scripts/local-gitlab/ci-config.ts';
import { compositeStatus } from '../../../helper-scripts/local-gitlab/composite-status.ts';
import { type GitLabPorts, GitLabStore } from '../../../helper-scripts/local-gitlab/gitlab-store.ts';
import { IllegalJobTransitionError, type Job } from '../../../helper-scripts/local-gitlab/job.ts';
import { Jobs } from '../../../helper-scripts/local-gitlab/jobs.ts';
import type { Project } from '../../../helper-scripts/local-gitlab/project.ts';
import { Projects } from '../../../helper-scripts/local-gitlab/projects.ts';
import type { Runner, RunnerManager } from '../../../helper-scripts/local-gitlab/runner.ts';
import { Runners } from '../../../helper-scripts/local-gitlab/runners.ts';

let store: GitLabStore;
let jobs: Jobs;
let project: Project;
let runner: Runner;
let graceful: RunnerManager | null;

beforeEach(() => {
  let count = 0;
  const next = (): string => {
    count += 1;
    return String(count);
  };
  const ports: GitLabPorts = {
    now: () => new Date(Date.UTC(2026, 0, 1) + count * 1000),
    randomText: (length) => next().padStart(length, 'x'),
    randomUuid: next,
  };
  store = new GitLabStore();
  jobs = new Jobs(store, ports);
  project = new Projects(store, ports).create('group/project');
  const runners = new Runners(store, ports);
  runner = runners.create({ runner_type: 'instance_type' });
  graceful = runners.contact(runner, { systemId: 'r_abcdefghijkl', cancelsGracefully: true });
});

function run(yaml: string): void {
  jobs.createPipeline(project, parseCiConfig(yaml));
}
function job(name: string): Job {
  const found = [...store.jobs.values()].find(({ plan, retried }) => plan.name === name && !retried);
  if (found === undefined) throw new Error(`no job ${name}`);
  return found;
}
function statuses(): Readonly<Record<string, string>> {
  return Object.fromEntries([...store.jobs.values()].filter((j) => !j.retried).map((j) => [j.plan.name, j.status]));
}
function succeed(name: string): void {
  jobs.start(job(name).id, runner, graceful);
  jobs.succeed(job(name).id);
}
function fail(name: string): void {
  jobs.start(job(name).id, runner, graceful);
  jobs.fail(job(name).id, 'script_failure', { exitCode: 1 });
}
const pipelineStatus = () => compositeStatus(store.presentJobs(2001));

const twoStages = `
stages: [build, test]
compile: { stage: build, script: a }
lint: { stage: build, script: a, allow_failure: true }
unit: { stage: test, script: a }
`;

describe('a pipeline', () => {
  it('lets only the first stage wait for a runner, and the next one when that has succeeded', () => {
    run(twoStages);
    expect(statuses()).toEqual({ compile: 'pending', lint: 'pending', unit: 'created' });
    succeed('compile');
    expect(statuses().unit).toBe('created');
    succeed('lint');
    expect(statuses().unit).toBe('pending');
    succeed('unit');
    expect(pipelineStatus()).toBe('success');
  });

  it('skips later stages after a failure', () => {
    run(twoStages);
    succeed('lint');
    fail('compile');
    expect(statuses()).toEqual({ compile: 'failed', lint: 'success', unit: 'skipped' });
    expect(pipelineStatus()).toBe('failed');
  });

  it('goes on after a failure that is allowed', () => {
    run(twoStages);
    fail('lint');
    succeed('compile');
    expect(statuses().unit).toBe('pending');
  });

  it('goes on after a job that may fail was cancelled', () => {
    run(twoStages);
    jobs.cancel(job('lint').id);
    succeed('compile');
    expect(statuses().unit).toBe('pending');
  });

  it('starts on_failure jobs only after a failure and always jobs in any case', () => {
    const yaml = `
stages: [one, two]
first: { stage: one, script: a }
rescue: { stage: two, script: a, when: on_failure }
tidy: { stage: two, script: a, when: always }
`;
    run(yaml);
    fail('first');
    expect(statuses()).toEqual({ first: 'failed', rescue: 'pending', tidy: 'pending' });
    store.jobs.clear();
    run(yaml);
    succeed('first');
    expect(statuses()).toEqual({ first: 'success', rescue: 'skipped', tidy: 'pending' });
  });

  it('is not held up by a manual job, unless that must not fail', () => {
    run(`
stages: [one, two]
ask: { stage: one, script: a, when: manual }
first: { stage: one, script: a }
next: { stage: two, script: a }
`);
    succeed('first');
    expect(statuses()).toEqual({ ask: 'manual', first: 'success', next: 'pending' });
    store.jobs.clear();
    run(`
stages: [one, two]
gate: { stage: one, script: a, when: manual, allow_failure: false }
next: { stage: two, script: a }
`);
    expect(statuses()).toEqual({ gate: 'manual', next: 'created' });
    jobs.play(job('gate').id);
    succeed('gate');
    expect(statuses().next).toBe('pending');
  });

  it('lets a delayed job wait for its time, or for somebody who plays it', () => {
    run(`
stages: [one, two]
later: { stage: one, script: a, when: delayed, start_in: 5 minutes }
at once: { stage: one, script: a, when: delayed, start_in: 1 hour }
next: { stage: two, script: a }
`);
    expect(statuses()).toEqual({ later: 'scheduled', 'at once': 'scheduled', next: 'created' });
    expect(pipelineStatus()).toBe('scheduled');
    jobs.play(job('at once').id);
    jobs.beginScheduled(job('at once').id);
    jobs.beginScheduled(job('later').id);
    expect(statuses()).toEqual({ later: 'pending', 'at once': 'pending', next: 'created' });
  });

  it('gives a resource group to one job at a time, also of several pipelines, and next to the lowest id', () => {
    const yaml = `
deploy: { script: a, resource_group: production }
check: { script: a, resource_group: production }
other: { script: a, resource_group: staging }
`;
    run(yaml);
    run(yaml);
    const states = () => [...store.jobs.values()].map(({ plan, status }) => `${plan.name} ${status}`);
    const waiting = ['deploy waiting_for_resource', 'check waiting_for_resource', 'other waiting_for_resource'];
    expect(states()).toEqual(['deploy pending', 'check waiting_for_resource', 'other pending', ...waiting]);
    const [deploy, check] = [...store.jobs.values()];
    if (!deploy || !check) throw new Error('no jobs');
    jobs.start(deploy.id, runner, graceful);
    expect(states().slice(0, 2)).toEqual(['deploy running', 'check waiting_for_resource']);
    jobs.succeed(deploy.id);
    expect(states()).toEqual(['deploy success', 'check pending', 'other pending', ...waiting]);
    jobs.cancel(check.id);
    expect(states().slice(3)).toEqual(['deploy pending', waiting[1], waiting[2]]);
  });

  it('goes on after a stage that was skipped, but not with a job that needs a skipped one', () => {
    run(`
stages: [one, two, three]
first: { stage: one, script: a }
rescue: { stage: two, script: a, when: on_failure }
after all: { stage: three, script: a }
after rescue: { stage: three, script: a, needs: [rescue] }
`);
    succeed('first');
    expect(statuses()).toEqual({
      first: 'success',
      rescue: 'skipped',
      'after all': 'pending',
      'after rescue': 'skipped',
    });
    store.jobs.clear();
    run(`
stages: [one, two]
rescue: { stage: one, script: a, when: on_failure }
next: { stage: two, script: a }
`);
    expect(statuses()).toEqual({ rescue: 'skipped', next: 'pending' });
  });

  it('starts a job as soon as what it needs is done, whatever its stage, and skips it when that failed', () => {
    run(`
stages: [one, two, three]
a: { stage: one, script: a, parallel: 2 }
slow: { stage: one, script: a }
c: { stage: three, script: a, needs: [a] }
free: { stage: three, script: a, needs: [] }
d: { stage: three, script: a, needs: [slow] }
`);
    expect(statuses()).toMatchObject({ free: 'pending', c: 'created' });
    succeed('a 1/2');
    expect(statuses().c).toBe('created');
    succeed('a 2/2');
    expect(statuses()).toMatchObject({ c: 'pending', slow: 'pending' });
    fail('slow');
    expect(statuses().d).toBe('skipped');
  });
});

describe('a job', () => {
  it('that waits is cancelled at once, with everything after it skipped', () => {
    run(twoStages);
    jobs.cancel(job('compile').id);
    succeed('lint');
    expect(statuses()).toEqual({ compile: 'canceled', lint: 'success', unit: 'skipped' });
    expect(job('compile')).toMatchObject({ runnerId: null, startedAt: null });
  });

  it('that runs is canceling until its runner has the last word, whatever that is', () => {
    run(twoStages);
    jobs.start(job('compile').id, runner, graceful);
    jobs.cancel(job('compile').id);
    expect(statuses().compile).toBe('canceling');
    jobs.fail(job('compile').id, 'unknown_failure');
    expect(job('compile')).toMatchObject({ status: 'canceled', failureReason: null });
  });

  it('that is canceling ends at once when forced, or when its runner cannot stop gracefully', () => {
    run(twoStages);
    jobs.start(job('compile').id, runner, graceful);
    jobs.cancel(job('compile').id);
    jobs.cancel(job('compile').id, true);
    jobs.start(job('lint').id, runner, null);
    jobs.cancel(job('lint').id);
    expect(statuses()).toMatchObject({ compile: 'canceled', lint: 'canceled' });
  });

  it('that is over stays as it is when it is cancelled', () => {
    run(twoStages);
    succeed('compile');
    expect(jobs.cancel(job('compile').id).status).toBe('success');
  });

  it('is retried as a new job, and brings back what was skipped because of it', () => {
    run(twoStages);
    succeed('lint');
    fail('compile');
    const first = job('compile');
    const second = jobs.retry(first.id);
    expect(second).toMatchObject({ status: 'pending', retriesCount: 1, failureReason: null, runnerId: null });
    expect(second.id).toBeGreaterThan(first.id);
    expect(statuses()).toEqual({ compile: 'pending', lint: 'success', unit: 'created' });
    succeed('compile');
    expect(statuses().unit).toBe('pending');
    expect(() => jobs.retry(first.id)).toThrow(IllegalJobTransitionError);
  });

  it('cannot be retried while it is not over, nor played unless it is manual', () => {
    run(twoStages);
    expect(() => jobs.retry(job('compile').id)).toThrow(IllegalJobTransitionError);
    expect(() => jobs.play(job('compile').id)).toThrow(IllegalJobTransitionError);
  });

  it('tells its listeners every step in order', () => {
    const steps: string[] = [];
    const stopListening = jobs.onChange(({ job: changed, from, to }) =>
      steps.push(`${changed.plan.name} ${from} ${to}`),
    );
    run('only: { script: a }\nlater: { stage: deploy, script: a }');
    fail('only');
    stopListening();
    jobs.retry(job('only').id);
    expect(steps).toEqual([
      'only null created',
      'later null created',
      'only created pending',
      'only pending running',
      'only running failed',
      'later created skipped',
    ]);
  });
});
