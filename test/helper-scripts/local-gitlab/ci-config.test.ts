import { describe, expect, it } from 'vitest';
import { CiConfigError, type JobPlan, parseCiConfig } from '../../../helper-scripts/local-gitlab/ci-config.ts';

const planOf = (yaml: string): readonly JobPlan[] => parseCiConfig(yaml).jobs;
const onlyJob = (yaml: string): JobPlan | undefined => planOf(yaml)[0];
const faultsOf = (yaml: string): readonly string[] => {
  try {
    parseCiConfig(yaml);
    return [];
  } catch (error) {
    if (error instanceof CiConfigError) return error.faults;
    throw error;
  }
};

describe('reading a .gitlab-ci.yml', () => {
  it('puts jobs into the order of their stages, with test as the stage of a job that names none', () => {
    const jobs = planOf(`
stages: [build, test, ship]
ship it: { stage: ship, script: 'true' }
check: { script: 'true' }
compile: { stage: build, script: 'true' }
prepare: { stage: .pre, script: 'true' }
`);
    expect(jobs.map(({ name, stage }) => [name, stage])).toEqual([
      ['prepare', '.pre'],
      ['compile', 'build'],
      ['check', 'test'],
      ['ship it', 'ship'],
    ]);
  });

  it('joins before_script and script, whether given as text, list or nested list', () => {
    const job = onlyJob(`
.setup: &setup [one, two]
job:
  before_script: [*setup, three]
  script: four
  after_script: [five]
`);
    expect(job).toMatchObject({ script: ['one', 'two', 'three', 'four'], afterScript: ['five'] });
  });

  it('takes what a job does not say from default and from the top of the file', () => {
    const jobs = planOf(`
default: { tags: [aws], timeout: 1h 30m, before_script: [hello] }
image: alpine:3
variables: { COLOUR: red, SHAPE: { value: round, description: of the thing } }
plain: { script: a }
own: { script: a, tags: [other], timeout: 15 minutes, before_script: [], image: { name: debian }, variables: { COLOUR: blue } }
`);
    expect(jobs).toMatchObject([
      { tags: ['aws'], timeoutSeconds: 5400, image: 'alpine:3', script: ['hello', 'a'] },
      { tags: ['other'], timeoutSeconds: 900, image: 'debian', script: ['a'] },
    ]);
    expect(jobs.map(({ variables }) => variables)).toEqual([
      { COLOUR: 'red', SHAPE: 'round' },
      { COLOUR: 'blue', SHAPE: 'round' },
    ]);
  });

  it('names the jobs of parallel: 3 and counts them', () => {
    const jobs = planOf('rspec: { script: a, parallel: 3 }');
    expect(jobs.map(({ name, entry }) => [name, entry])).toEqual([
      ['rspec 1/3', 'rspec'],
      ['rspec 2/3', 'rspec'],
      ['rspec 3/3', 'rspec'],
    ]);
    expect(jobs[1]?.variables).toEqual({ CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' });
  });

  it('names the jobs of a matrix by their values, and puts those into variables and tags', () => {
    const jobs = planOf(`
test:
  script: a
  tags: ['$OS-runner']
  parallel:
    matrix:
      - OS: [linux, mac]
        VERSION: [20, 22]
      - OS: windows
`);
    expect(jobs.map(({ name }) => name)).toEqual([
      'test: [linux, 20]',
      'test: [linux, 22]',
      'test: [mac, 20]',
      'test: [mac, 22]',
      'test: [windows]',
    ]);
    expect(jobs[3]).toMatchObject({
      tags: ['mac-runner'],
      variables: { OS: 'mac', VERSION: '22', CI_NODE_TOTAL: '5' },
    });
  });

  it('lets a manual job fail unless it says otherwise', () => {
    const jobs = planOf(`
ask: { script: a, when: manual }
must: { script: a, when: manual, allow_failure: false }
plain: { script: a }
`);
    expect(jobs.map(({ allowFailure }) => allowFailure)).toEqual([true, false, false]);
  });

  it('warns that retry is ignored', () => {
    expect(parseCiConfig('job: { script: a, retry: 2 }').warnings).toEqual(['job "job": retry is ignored']);
  });
});

describe('a .gitlab-ci.yml that cannot be used', () => {
  it('is told every key that is not supported, with its job', () => {
    const yaml = `
include: other.yml
job: { script: a, rules: [{ if: $X }], artifacts: { paths: [a] } }
`;
    expect(faultsOf(yaml)).toEqual([
      'the file: key "include" is not supported by the local GitLab',
      'job "job": key "rules" is not supported by the local GitLab',
      'job "job": key "artifacts" is not supported by the local GitLab',
    ]);
  });

  it.each([
    ['job: { script: a, stage: nowhere }', 'stage "nowhere" does not exist'],
    ['job: { script: a, needs: [ghost] }', 'needs "ghost", which is not a job'],
    ['a: { script: a, needs: [b] }\nb: { script: a, needs: [a] }', 'job "a": needs lead back to it'],
    ['job: { script: a, timeout: soon }', 'timeout "soon" is not a duration'],
    ['job: { script: a, when: delayed }', 'start_in is missing'],
    ['job: { script: a, when: delayed, start_in: soon }', 'start_in "soon" is not a duration'],
    ['job: { script: a, start_in: 1 minute }', 'start_in is only for a job with "when: delayed"'],
    ['job: { tags: [a] }', 'key "script"'],
    ['variables: { A: b }', 'it has no job'],
    ['just text', 'it is not a mapping of jobs'],
    ['job: [unclosed', 'Flow sequence'],
  ])('%s', (yaml, fault) => {
    expect(faultsOf(yaml).join('\n')).toContain(fault);
  });
});
