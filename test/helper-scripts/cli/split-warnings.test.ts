import { describe, expect, it } from 'vitest';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { splitWarnings, splitWarningsOfJob } from '../../../helper-scripts/cli/split-warnings.ts';
import { findTagSplits, routesOf } from '../../../helper-scripts/cli/tag-splits.ts';
import { type DeploymentInput, defineDeployment } from '../../../infrastructure/deployment/deployment.ts';
import { jobMapping } from '../../support/builders.ts';

const price = expect.stringContaining('give each profile a tag of its own');
const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:shell';
const shell = { type: 'LAMBDA', profile: 'shell' } as const;
const ignored = { type: 'IGNORE' } as const;
const row = (jobName: string, tags: string[], target: JobMapping['target'], project?: string) =>
  jobMapping({ jobName, tags, target, ...(project === undefined ? {} : { project }) });
const everyOther = (tags: string[]) => row('*', tags, { type: 'EC2', profile: 'default' });

const profiles = { default: { type: 'EC2' }, shell: { type: 'LAMBDA' } } as const;
const routes = (rows: readonly JobMapping[], changes: DeploymentInput = {}) =>
  routesOf(rows, defineDeployment({ profiles, ...changes }));
const warnings = (rows: readonly JobMapping[], changes: DeploymentInput = {}) => splitWarnings(routes(rows, changes));

describe('the warnings of a table', () => {
  it('are none where profiles have tags of their own and rows are for every name', () => {
    const tagged: DeploymentInput['profiles'] = {
      default: { type: 'EC2', tags: ['docker'] },
      shell: { type: 'LAMBDA', tags: ['shell'] },
    };
    expect(warnings([], { profiles: tagged })).toEqual([]);
    expect(warnings([everyOther(['aws']), row('*', ['gpu'], ignored)])).toEqual([]);
  });

  it('name rows that split jobs with the same tags, the tags, and what to do', () => {
    expect(warnings([everyOther(['aws']), row('lint', ['aws'], shell)])).toEqual([
      expect.stringMatching(
        /^jobs with the tags \[aws\] are split: default \(job#\* tags#aws\), shell \(job#lint tags#aws\)$/,
      ),
      expect.stringMatching(/may wait until the host of an earlier one has booted; give each profile a tag of its own/),
    ]);
  });

  it('name jobs that no row names beside those that one does', () => {
    expect(warnings([row('lint', ['aws'], shell)])).toEqual([
      expect.stringContaining(
        '[aws] are split: shell (job#lint tags#aws), runners that are not ours (the default runner)',
      ),
      price,
    ]);
  });

  it('name profiles whose tags overlap', () => {
    const given: DeploymentInput = {
      defaultRunner: { type: 'EC2' },
      profiles: { default: { type: 'EC2', tags: ['docker'] }, large: { type: 'EC2', tags: ['docker', 'big'] } },
    };
    expect(warnings([row('*', [], ignored)], given)).toEqual([]);
    expect(warnings([], given)).toEqual([
      expect.stringMatching(
        /^jobs with the tags \[big, docker\] are split from jobs with fewer of them, which fit the same runners: .*default \(its tags \[docker\].*large \(its tags \[docker, big\]\)/,
      ),
      price,
      expect.stringMatching(/^jobs without tags run on default \(the default runner\); .*instance runners/),
    ]);
  });

  it('name untagged jobs, which instance runners may take', () => {
    expect(warnings([everyOther([])])).toEqual([
      expect.stringMatching(/^jobs without tags run on default \(job#\* tags#\)/),
    ]);
    expect(warnings([row('*', [], ignored), everyOther(['aws'])])).toEqual([]);
  });

  it('name the projects in which it is so, and nothing twice', () => {
    const rows = [everyOther(['aws']), row('*', ['aws', 'x'], shell, 'group/**'), everyOther(['other'])];
    expect(warnings(rows)).toEqual([expect.stringContaining('tags [aws, x] in group/** are split from'), price]);
    const lint = row('lint', ['aws'], shell);
    expect(warnings([everyOther(['aws']), lint, row('*', ['gpu'], shell, 'group/app')])).toHaveLength(2);
  });

  it.each(['group/app', 'group/*', 'group/**', '{group,other}/app', 'grou[pq]/a?p', '**'])(
    'hold for the projects of %s',
    (project) => {
      expect(warnings([everyOther(['aws']), row('lint', ['aws'], shell, project)])).toEqual([
        expect.stringContaining(`jobs with the tags [aws] in ${project} are split`),
        price,
      ]);
    },
  );

  it('take the ARN of the only function for its profile', () => {
    const byArn = { type: 'LAMBDA', profile: arn } as const;
    expect(warnings([row('*', ['aws'], byArn), row('lint', ['aws'], shell)])).toEqual([]);
  });

  it('are told without a configuration too, as if its default runner were IGNORE', () => {
    expect(splitWarnings(routesOf([everyOther(['aws']), row('lint', ['aws'], shell)], null))).toHaveLength(2);
    expect(splitWarnings(routesOf([row('lint', ['aws'], shell)], null))).toHaveLength(2);
  });

  it('say when there are too many projects to look at', () => {
    const rows = Array.from({ length: 305 }, (_, index) => row('*', [`t${index}`], shell, `group/p${index}`));
    expect(findTagSplits(routes(rows)).unseenProjects).toBe(5);
    expect(warnings(rows)).toEqual([expect.stringContaining('5 more projects')]);
  });
});

describe('the warnings of a job', () => {
  const job = (...tags: string[]) => ({ jobName: 'lint', projectPath: 'group/app', tags });

  it('name the targets whose jobs fit its runner, and the price', () => {
    const rows = [everyOther(['aws']), row('lint', ['aws'], shell)];
    expect(splitWarningsOfJob(job('aws'), routes(rows))).toEqual([
      expect.stringMatching(/split from others that its runner fits: default .*, shell /),
      price,
    ]);
    expect(splitWarningsOfJob(job('gpu'), routes(rows))).toEqual([]);
  });

  it('say of an untagged job of ours that others may take it', () => {
    expect(splitWarningsOfJob(job(), routes([everyOther([])]))).toEqual([expect.stringContaining('no tags')]);
    expect(splitWarningsOfJob(job(), routes([]))).toEqual([]);
  });
});
