import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startLocalGitLab } from '../../../helper-scripts/local-gitlab/local-gitlab.server.ts';
import { runnerItem } from '../../support/builders.ts';
import { createPrivateAuthority } from '../../support/private-authority.ts';
import { repository } from '../local-aws/start-test-aws.ts';
import { type Outcome, startCliWorld, webhookUrl } from './cli-world.ts';

let world: Awaited<ReturnType<typeof startCliWorld>>;
beforeAll(async () => {
  world = await startCliWorld();
});
afterAll(() => world.stop());

const folder = mkdtempSync(join(tmpdir(), 'cli-test-'));
// As in the repository: configurations are ES modules.
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const ofYaml = (...rows: readonly string[]) => rows.map((row) => `- { ${row} }\n`).join('');
const lint = { pk: 'job#lint', sk: 'tags#aws', type: 'LAMBDA', arn: 'shell' };
const build = {
  pk: 'job#build',
  sk: 'tags#',
  type: 'EC2',
  profile: 'default',
  note: { by: 'ann', sets: { $dynamodb: { SS: ['a', 'b'] } } },
};

/** Went well, with nothing on standard error. */
function expectDone(outcome: Outcome): void {
  expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
}
/** Was refused: exit code 1, nothing on standard output, and on standard error words for people. */
function expectRefused(outcome: Outcome, message: RegExp): void {
  expect(outcome).toMatchObject({ exitCode: 1, stdout: '' });
  expect(outcome.stderr).toMatch(message);
  expect(outcome.stderr).not.toMatch(/^\s+at /mu);
}

describe('mapping put, get, ls and rm', () => {
  beforeEach(() => world.fill());

  it('write a row, show it, list it and remove it', async () => {
    const put = await world.cli(
      'mapping',
      'put',
      'deploy-*',
      '--tags',
      'prod, aws',
      '--type',
      'EC2',
      '--project',
      'group/**',
      '--max-concurrent',
      '2',
      '--exact',
      '60',
    );
    expectDone(put);
    expect(put.stdout).toBe(
      'written: job#deploy-* tags#aws#prod  EC2 default, project group/**, maxConcurrent 2, exact 60\n',
    );
    const row = {
      pk: 'job#deploy-*',
      sk: 'tags#aws#prod',
      type: 'EC2',
      profile: 'default',
      project: 'group/**',
      maxConcurrent: 2,
      exact: 60,
    };
    expect(await world.rows()).toEqual([row]);

    const [get, list] = await Promise.all([
      world.cli('mapping', 'get', 'deploy-*', '--tags', 'prod,aws', '--json'),
      world.cli('mapping', 'ls'),
    ]);
    for (const outcome of [get, list]) expectDone(outcome);
    expect(JSON.parse(get.stdout)).toEqual([row]);
    expect(list.stdout).toMatch(/^job +tags +project +type +runs on +limits\n/u);
    expect(list.stdout).toMatch(/^deploy-\* +aws, prod +group\/\*\* +EC2 +default +at most 2, exact 60$/mu);

    const removed = await world.cli('mapping', 'rm', 'deploy-*', '--tags', 'aws,prod', '--json');
    expectDone(removed);
    expect(JSON.parse(removed.stdout)).toEqual({ removed: row });
    expect(await world.rows()).toEqual([]);
  });

  it('put shows the row that is there, and writes over it only when told to', async () => {
    await world.fill(lint);
    const put = ['mapping', 'put', 'lint', '--tags', 'aws', '--type', 'EC2', '--profile-name', 'large'];
    expectRefused(
      await world.cli(...put),
      /type: LAMBDA -> EC2, arn: shell -> \(none\), profile: \(none\) -> large.*--replace/u,
    );
    expect(await world.rows()).toEqual([lint]);

    const replaced = await world.cli(...put, '--replace', '--json');
    expectDone(replaced);
    const written = { pk: 'job#lint', sk: 'tags#aws', type: 'EC2', profile: 'large' };
    expect(JSON.parse(replaced.stdout)).toEqual({ written, replaced: lint });
    const again = await world.cli(...put);
    expectDone(again);
    expect(again.stdout).toMatch(/^unchanged: /u);
    expect(await world.rows()).toEqual([written]);
  });

  it('refuse what is not valid or not there', async () => {
    await world.fill(lint);
    const [badType, none] = await Promise.all([
      world.cli('mapping', 'put', 'x', '--type', 'VM', '--arn', 'shell', '--max-concurrent', 'many'),
      world.cli('mapping', 'rm', 'lint', '--tags', 'big'),
    ]);
    expectRefused(
      badType,
      /maxConcurrent: must be a whole number.*\n.*type: must be LAMBDA, EC2 or IGNORE\n.*--arn is for/u,
    );
    expectRefused(none, /no row for the job name "lint" and the tags big; that name has rows with sk "tags#aws"/u);
    expect(await world.rows()).toEqual([lint]);
  });

  it('list and remove a row that is not valid beside the good ones', async () => {
    await world.fill(lint, { pk: 'lint', sk: 'aws', type: 'LAMBDA' });
    const list = await world.cli('mapping', 'ls');
    expect(list.exitCode).toBe(0);
    expect(list.stdout).toMatch(/^lint +aws +LAMBDA +NOT VALID$/mu);
    expect(await world.readAsAutoscaler()).toMatchObject({
      mappings: [{ id: 'job#lint tags#aws' }],
      invalid: [{ id: 'lint aws' }],
    });
    expect(list.stderr).toMatch(
      /^not valid, and skipped: lint aws: pk: must be "job#".*; sk: must be "tags#".*; arn: a LAMBDA/u,
    );
    expectDone(await world.cli('mapping', 'rm', '--pk', 'lint', '--sk', 'aws'));
    expect(await world.rows()).toEqual([lint]);
  });
});

describe('mapping import and export', () => {
  it('make the table hold the file, say what changes, and give it back with all that it holds', async () => {
    await world.fill(lint, build, { ...lint, pk: 'job#old' });
    const file = fileWith(
      'rows.yaml',
      ofYaml(
        'pk: "job#lint", sk: "tags#aws", type: IGNORE',
        'pk: "job#new", sk: "tags#", type: EC2, profile: large',
        'pk: "job#build", sk: "tags#", type: EC2, profile: default, note: { by: ann, sets: { $dynamodb: { SS: [b, a] } } }',
      ),
    );
    const before = await world.rows();
    const dry = await world.cli('mapping', 'import', file, '--dry-run', '--prune');
    expectDone(dry);
    const lines = dry.stdout.split('\n');
    expect(lines).toContainEqual(
      expect.stringMatching(/^warning: jobs with the tags \[aws\] are split: .*job#lint tags#aws/u),
    );
    expect(lines.filter((line) => !line.startsWith('warning: '))).toEqual([
      '+ job#new tags#  EC2 large',
      '~ job#lint tags#aws  IGNORE  (type: LAMBDA -> IGNORE, arn: shell -> (none))',
      '- job#old tags#aws  LAMBDA shell',
      '1 added, 1 changed, 1 removed, 1 unchanged',
      'nothing is written: --dry-run',
      '',
    ]);
    expect(await world.rows()).toEqual(before);

    const kept = await world.cli('mapping', 'import', file);
    expectDone(kept);
    expect(kept.stdout).toMatch(/1 added, 1 changed, 0 removed, 1 unchanged\n1 rows are not in the file and stay/u);
    expect((await world.rows()).length).toBe(4);

    const pruned = await world.cli('mapping', 'import', file, '--prune', '--json');
    expectDone(pruned);
    expect(JSON.parse(pruned.stdout)).toMatchObject({
      written: true,
      added: [],
      changed: [],
      removed: [{ pk: 'job#old' }],
      unchanged: 3,
      warnings: expect.arrayContaining([expect.stringContaining('jobs without tags are split')]),
    });

    const yaml = await world.cli('mapping', 'export');
    expectDone(yaml);
    const again = await world.cliWith({ input: yaml.stdout }, 'mapping', 'import', '-', '--prune', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ added: [], changed: [], removed: [], unchanged: 3 });
  });

  it('take thousands of rows, and give them back', async () => {
    await world.fill();
    const rows = Array.from({ length: 3_000 }, (_, index) => ({
      pk: `job#job ${index}`,
      sk: 'tags#a#b',
      type: 'EC2',
      profile: 'default',
    }));
    const file = fileWith('many.json', JSON.stringify(rows));
    const imported = await world.cli('mapping', 'import', file);
    expectDone(imported);
    expect(imported.stdout).toMatch(/and 2980 more.*\n3000 added, 0 changed/u);
    const output = join(folder, 'exported.json');
    expect(await world.cli('mapping', 'export', '--json', '-o', output)).toMatchObject({ exitCode: 0, stdout: '' });
    const again = await world.cli('mapping', 'import', output, '--dry-run');
    expect(again.stdout).toMatch(/^0 added, 0 changed, 0 removed, 3000 unchanged/u);
    expect(JSON.parse(readFileSync(output, 'utf8'))).toHaveLength(3_000);
    expect((await world.readAsAutoscaler()).mappings).toHaveLength(3_000);
  });

  it('refuse a file with faults, and to empty the table', async () => {
    await world.fill(lint);
    const faulty = fileWith(
      'faulty.yaml',
      ofYaml('pk: "job#a", sk: "tags#", type: VM', 'pk: "job#b", sk: "tags#", type: EC2'),
    );
    const [refused, empty] = await Promise.all([
      world.cli('mapping', 'import', faulty),
      world.cli('mapping', 'import', fileWith('empty.yaml', '[]'), '--prune'),
    ]);
    expectRefused(refused, /faulty\.yaml has faults:\n {2}- line 1, row 1 \(job#a tags#\): type: must be/u);
    expectRefused(empty, /is an empty list, with which --prune would remove all 1 rows/u);
    expect(await world.rows()).toEqual([lint]);
  });
});

describe('a row that names what is not deployed', () => {
  const undeployed = fileWith('undeployed.yaml', ofYaml('pk: "job#a", sk: "tags#", type: EC2, profile: larg'));
  const words = /profile: the deployment has no EC2 profile "larg"; write "large"/u;

  it.each([
    [['put', 'a', '--type', 'EC2', '--profile-name', 'larg']],
    [['import', undeployed]],
    [['validate', undeployed]],
  ])('is told, and not written, by mapping %j, unless it is told not to ask', async (command) => {
    await world.fill();
    expectRefused(await world.cli('mapping', ...command), words);
    expect(await world.rows()).toEqual([]);
    expectDone(await world.cli('mapping', ...command, '--offline'));
  });
});

it('what writes or checks mappings says how to go on when the deployment cannot be asked what it has', async () => {
  const file = fileWith('rows.yaml', ofYaml('pk: "job#a", sk: "tags#", type: EC2'));
  const commands = [
    ['validate', file],
    ['import', file, '--dry-run'],
    ['put', 'a', '--type', 'EC2'],
  ];
  for (const command of commands) {
    const refused = await world.cli('--deployment', 'elsewhere', 'mapping', ...command);
    expectRefused(refused, /cannot be asked which profiles and functions it has; --offline does not ask/u);
  }
});

describe('mapping validate and explain', () => {
  const offline = { environment: { PATH: process.env.PATH ?? '', AWS_EC2_METADATA_DISABLED: 'true' } };

  it('validate needs no AWS when it is told so, and names every fault with its row', async () => {
    const good = join(repository, 'helper-scripts/local-run/examples/job-mappings.yaml');
    const bad = fileWith(
      'bad.yaml',
      ofYaml(
        'pk: lint, sk: "tags#", type: VM',
        'pk: "job#b", sk: "tags#", type: EC2',
        'pk: "job#b", sk: "tags#", type: LAMBDA',
        'only: words',
      ),
    );
    const [fine, faulty, listed] = await Promise.all([
      world.cliWith(offline, 'mapping', 'validate', good, '--offline'),
      world.cliWith(offline, 'mapping', 'validate', bad, '--offline'),
      world.cliWith(offline, 'mapping', 'validate', bad, '--offline', '--json'),
    ]);
    expectDone(fine);
    expect(fine.stdout).toMatch(/is valid: \d+ mappings/u);
    expectRefused(
      faulty,
      /line 1, row 1 .*pk: must.*\n.*row 1 .*type: must.*\n.*line 3, row 3 .*arn: .*\n.*row 3 .*same pk and sk as row 2\n.*row 4/u,
    );
    expect(listed.exitCode).toBe(1);
    const { valid, rows, faults } = JSON.parse(listed.stdout);
    expect({ valid, rows }).toEqual({ valid: false, rows: 4 });
    expect(faults[0]).toEqual({ row: 1, line: 1, id: 'lint tags#', fault: expect.stringMatching(/^pk: /u) });
  });

  it('tell of rows that split jobs with the same tags, which is no fault, and where a job without a row goes', async () => {
    const config = fileWith(
      'tagged.config.ts',
      "export default { profiles: { default: { type: 'EC2', tags: ['docker'] }, shell: { type: 'LAMBDA', tags: ['shell'] } } };",
    );
    const file = fileWith(
      'split.yaml',
      ofYaml('pk: "job#lint", sk: "tags#docker", type: LAMBDA, arn: shell, exact: off'),
    );
    const validate = ['--config', config, 'mapping', 'validate', file, '--offline'];
    const explain = ['--config', config, 'mapping', 'explain', '--file', file, '--job', 'build', '--tags'];
    const [people, machines, alone, split] = await Promise.all([
      world.cliWith(offline, ...validate),
      world.cliWith(offline, ...validate, '--json'),
      world.cliWith(offline, ...explain, 'shell', '--json'),
      world.cliWith(offline, ...explain, 'docker'),
    ]);
    for (const outcome of [people, machines, alone, split]) expectDone(outcome);
    const words = 'jobs with the tags [docker] are split: shell (job#lint tags#docker), default (its tags [docker])';
    expect(people.stdout).toContain(`is valid: 1 mappings\nwarning: ${words}\n`);
    expect(JSON.parse(machines.stdout)).toMatchObject({ valid: true, warnings: [words, expect.any(String)] });
    const { chosen, withoutRow, warnings } = JSON.parse(alone.stdout);
    expect([chosen, withoutRow]).toEqual([null, { by: 'profile-tags', target: { type: 'LAMBDA', profile: 'shell' } }]);
    expect(warnings).not.toContainEqual(expect.stringContaining('split'));
    expect(split.stdout).toMatch(/^chosen: no row; the tags of a profile: EC2 default$/mu);
    expect(split.stdout).toMatch(/^warning: the job is split from others that its runner fits: shell .*, default /mu);
  });

  it('explain says which row a job gets and why not the others, from the table and from a file alike', async () => {
    const rows = [
      { pk: 'job#rspec', sk: 'tags#', type: 'EC2', profile: 'default' },
      { pk: 'job#*', sk: 'tags#aws', type: 'LAMBDA', arn: 'shell' },
      { pk: 'job#rspec', sk: 'tags#gpu', type: 'EC2', profile: 'gpu' },
      { pk: 'job#rs*', sk: 'tags#', type: 'IGNORE', project: 'other/*' },
      { pk: 'job#x', sk: 'tags#', type: 'VM' },
      { pk: 'job#build', sk: 'tags#', type: 'IGNORE' },
    ];
    await world.fill(...rows);
    const file = fileWith('explained.json', JSON.stringify(rows));
    const explain = ['mapping', 'explain', '--job', 'rspec 3/28', '--tags', 'aws', '--project', 'group/app'];
    const [people, online, fromFile] = await Promise.all([
      world.cli(...explain),
      world.cli(...explain, '--json'),
      world.cliWith(offline, ...explain, '--json', '--file', file),
    ]);
    for (const outcome of [people, online, fromFile]) expectDone(outcome);
    expect(people.stdout).toMatch(/^chosen: job#rspec tags# {2}EC2 default$/mu);
    expect(people.stdout).toMatch(/^job#\* tags#aws +LAMBDA shell +less specific because of name/mu);
    expect(people.stdout).toMatch(/^job#rspec tags#gpu +EC2 gpu +the job lacks the tags \[gpu\]$/mu);
    expect(people.stdout).toMatch(/^job#rs\* tags# +IGNORE +project does not match$/mu);
    expect(people.stdout).toMatch(/^job#x tags# +not valid: type: must be/mu);
    expect(people.stdout).toMatch(/1 rows are for other names/u);
    const told = JSON.parse(online.stdout);
    expect(told).toMatchObject({
      job: { baseName: 'rspec' },
      chosen: { id: 'job#rspec tags#' },
      others: { length: 5 },
    });
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    expect(JSON.parse(fromFile.stdout).others.sort(byId)).toEqual(told.others.sort(byId));
  });
});

describe('status', () => {
  const live = runnerItem({
    jobId: 1977,
    projectId: 380,
    state: 'RUNNING',
    instanceId: 'i-0123456789abcdef0',
    takenJob: 'job#380#1978',
  });
  const { live: _, ...ended } = runnerItem({ jobId: 1978, projectId: 380, state: 'RELEASED' });
  beforeAll(async () => {
    await world.putRunner(live);
    await world.putRunner(ended);
    await world.putRunner({ pk: 'cap#deployment', count: 1 } as never);
  });

  it('shows the runners that live', async () => {
    const people = await world.cli('status');
    expectDone(people);
    expect(people.stdout).toMatch(/^job +name +state +type +profile +attempt +host +age/u);
    expect(people.stdout).toMatch(/^380\/1977 +build +RUNNING +EC2 +default +1 +i-0123456789abcdef0 +\d+ \w+$/mu);
    expect(people.stdout).not.toMatch(/1978/u);
  });

  it('shows all that is known of one job: its own runner, ended or not, and the one that took it', async () => {
    const [byId, byPath, unknown] = await Promise.all([
      world.cli('status', '1978'),
      world.cli('status', 'group/project/1978', '--json'),
      world.cli('status', '5/197'),
    ]);
    for (const outcome of [byId, byPath]) expectDone(outcome);
    expect(byId.stdout).toMatch(/^state +RELEASED \(ended\)$/mu);
    expect(byId.stdout).toMatch(/^took another job +380\/1978$/mu);
    expect(
      JSON.parse(byPath.stdout)
        .map(({ pk }: { pk: string }) => pk)
        .sort(),
    ).toEqual(['job#380#1977', 'job#380#1978']);
    expectRefused(unknown, /Nothing is known of the job 5\/197:/u);
  });

  it('watches until it is ended', async () => {
    const { stdout, stderr } = await world.cliWith({ stopAfterLines: 3 }, 'status', '--watch', '0.1', '--json');
    expect(stderr).toBe('');
    const looks = stdout.trim().split('\n');
    expect(looks.length).toBeGreaterThan(2);
    for (const look of looks) expect(JSON.parse(look)).toEqual([JSON.parse(JSON.stringify(live))]);
  });
});

describe('retry', () => {
  it('gives a job that was given up its attempts back, and asks for its runner', async () => {
    const failed = runnerItem({ jobId: 70, state: 'FAILED', attempt: 3, failure: 'HostGone: none' });
    await world.putRunner(failed);
    const status = await world.cli('status');
    expect(status.stdout).toMatch(/^job 7\/70 was given up: .*"retry 7\/70"/mu);
    const done = await world.cli('retry', 'group/project/70');
    expect(done).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/^job 7\/70 \(build\) has all/),
    });
    expect(await world.readRunner(failed.pk)).toMatchObject({ state: 'FAILED', attempt: 3, excusedAttempts: 3 });
    expect(await world.told()).toMatchObject([
      { 'detail-type': 'Job Pending', detail: { jobId: 70, deliveryId: null } },
    ]);
    await world.putRunner({ ...failed, state: 'RELEASED', jobState: 'FINISHED' });
  });

  it('changes nothing about a job that waits, and asks whether it can start now', async () => {
    const waitsFor = {
      error: 'MappingNotAllowedError',
      message: 'no such profile',
      since: '2030-01-01T00:00:00.000Z',
      lookAt: '2030-01-01T00:01:00.000Z',
      looks: 4,
    };
    const waiting = runnerItem({ jobId: 71, state: 'WAITING', waitsFor });
    await world.putRunner(waiting);
    const [status, done] = [await world.cli('status', '71'), await world.cli('retry', '71')];
    expect(status.stdout).toMatch(/^waits because +its mapping names what was not deployed: .*no such profile$/mu);
    expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is looked at now') });
    expect(await world.readRunner(waiting.pk)).toEqual(waiting);
    expect(await world.told()).toMatchObject([{ 'detail-type': 'Job Pending', detail: { jobId: 71 } }]);
    await world.putRunner({ ...waiting, state: 'RELEASED', jobState: 'FINISHED' });
  });

  it('says why it does not help', async () => {
    await world.putRunner(runnerItem({ jobId: 72, state: 'RELEASED', jobState: 'FINISHED' }));
    const [over, unknown, wrong] = await Promise.all(['72', '7/404', 'build'].map((job) => world.cli('retry', job)));
    expectRefused(over as Outcome, /Job 7\/72 is not retried: it is over; retry it in GitLab/u);
    expectRefused(unknown as Outcome, /Nothing is known of the job 7\/404/u);
    expectRefused(wrong as Outcome, /"build" is no job/u);
    expect(await world.told()).toEqual([]);
  });
});

describe('doctor', () => {
  it('names what is wrong with its remedy, and says so to scripts by its exit code', async () => {
    await world.fill(
      { pk: 'job#broken', sk: 'tags#', type: 'TELEPORT' },
      { pk: 'job#build', sk: 'tags#aws', type: 'EC2' },
    );
    await world.putRunner(runnerItem({ jobId: 66, state: 'FAILED', failure: 'NoCapacityError: none' }));
    const { exitCode, stdout } = await world.cli('doctor');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/the reconciler .*has not looked for waiting jobs yet/);
    expect(stdout).toMatch(/job 7\/66 .*NoCapacityError: none/);
    expect(stdout).toMatch(
      /^warning: jobs with the tags \[aws\] are split: default .*job#build tags#aws.*runners that are not ours/mu,
    );
    expect(stdout).toMatch(/^Lambda quota "Concurrent executions" \(L-B99A9384\): \d+ apply here/mu);
    // The local AWS has no quotas of EC2, as a user without the permission would not see them.
    expect(stdout).toMatch(/^EC2 spot quota .*: unknown, servicequotas:GetServiceQuota gave no answer/mu);
    expect(stdout).toMatch(/mapping job#broken tags# .*must be LAMBDA, EC2 or IGNORE/);
    const findings = JSON.parse((await world.cli('doctor', '--json')).stdout);
    expect(findings).toContainEqual(expect.objectContaining({ what: 'the reconciler' }));
  });
});

describe('deployment ls', () => {
  const source = (names: readonly string[]) => `
    import { defineDeployment } from '${repository}/infrastructure/deployment/deployment.ts';
    export default [${names.map((name) => `defineDeployment({ name: '${name}', region: 'eu-west-1', account: '123456789012' })`)}];`;

  it('lists what the configuration says', async () => {
    const several = fileWith('several.config.ts', source(['one', 'two']));
    const [people, machines, ambiguous] = await Promise.all([
      world.cli('deployment', 'ls', '--config', several),
      world.cli('deployment', 'ls', '--config', several, '--json'),
      world.cli('mapping', 'ls', '--config', several),
    ]);
    for (const outcome of [people, machines]) expectDone(outcome);
    expect(people.stdout).toMatch(/^name +region +account +GitLab +profiles\n\S/u);
    expect(people.stdout).toMatch(
      /^two +eu-west-1 +123456789012 +https:\/\/gitlab\.com +default \(EC2\), shell \(LAMBDA\)$/mu,
    );
    expect(JSON.parse(machines.stdout)).toMatchObject([
      { name: 'one', region: 'eu-west-1', account: '123456789012', profiles: { default: 'EC2', shell: 'LAMBDA' } },
      { name: 'two' },
    ]);
    expectRefused(ambiguous, /several deployments: add --deployment with one of one, two/u);
  });

  it('names the faults of a configuration, and a file that is not there', async () => {
    const [faulty, missing] = await Promise.all([
      world.cli('deployment', 'ls', '--config', fileWith('faulty.config.ts', source(['UPPER CASE']))),
      world.cli('deployment', 'ls', '--config', join(folder, 'nowhere.config.ts')),
    ]);
    expectRefused(faulty, /faults/u);
    expectRefused(missing, /There is no file .*nowhere\.config\.ts/u);
  });
});

describe('which deployment is meant', () => {
  it('may be said by the environment as well', async () => {
    const environment = { ...world.environment, GITLAB_RUNNERS_DEPLOYMENT: 'somebody-elses' };
    const { exitCode, stderr } = await world.cliWith({ environment }, 'mapping', 'ls');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('somebody-elses');
  });
});

describe('where AWS is', () => {
  it('is said as to the AWS CLI: by options, which win, or by the environment', async () => {
    await world.fill(lint);
    const { AWS_ENDPOINT_URL = '', AWS_REGION: _region, ...rest } = world.environment;
    const bare = { ...rest, AWS_DEFAULT_REGION: 'eu-west-1' };
    const unreachable = { ...world.environment, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const [byOption, elsewhere, nowhere] = await Promise.all([
      world.cliWith({ environment: bare }, 'mapping', 'ls', '--json', '--endpoint-url', AWS_ENDPOINT_URL),
      world.cli('mapping', 'ls', '--region', 'us-east-1', '-d', 'another'),
      world.cliWith({ environment: unreachable }, 'mapping', 'ls'),
    ]);
    expectDone(byOption);
    expect(JSON.parse(byOption.stdout)).toEqual([lint]);
    expectRefused(elsewhere, /"another" is not in us-east-1 of this account/u);
    expectRefused(nowhere, /Cannot reach http:\/\/127\.0\.0\.1:9: nothing listens there/u);
  });
});

describe('secret and webhook', () => {
  it('store the token from standard input, and rotate the tokens of the hook', async () => {
    const [stored, url, rotated] = await Promise.all([
      world.cliWith({ input: 'glpat-fake-token\n' }, 'secret', 'gitlab-token'),
      world.cli('webhook', 'url'),
      world.cli('webhook', 'rotate'),
    ]);
    for (const outcome of [stored, url, rotated]) expectDone(outcome);
    expect(await world.secret('gitlabToken')).toEqual({ token: 'glpat-fake-token' });
    expect(url.stdout).toBe(`${webhookUrl}\n`);
    const { token, signingToken } = await world.secret('webhook');
    expect(Buffer.from(signingToken?.replace('whsec_', '') ?? '', 'base64')).toHaveLength(32);
    expect(rotated.stdout).not.toContain(token);
  });

  it('rotate no tokens a second time within a day, which would cut off every hook, unless told to', async () => {
    await world.cli('webhook', 'rotate', '--yes');
    const before = await world.secret('webhook');
    expectRefused(await world.cli('webhook', 'rotate'), /Not done: the tokens were rotated .* ago.*--yes/u);
    expect(await world.secret('webhook')).toEqual(before);
    expectDone(await world.cli('webhook', 'rotate', '--yes'));
    expect(await world.secret('webhook')).not.toEqual(before);
  });

  it('add the job hook to a project, once', async () => {
    const gitlab = await startLocalGitLab({ port: 0, adminToken: 'not-a-real-secret' });
    try {
      const { id } = gitlab.createProject('group/app');
      const environment = { ...world.environment, GITLAB_TOKEN: 'not-a-real-secret' };
      const add = ['webhook', 'add', 'group/app', '--gitlab', gitlab.url];
      const added = await world.cliWith({ environment }, ...add);
      expect(added).toMatchObject({
        exitCode: 0,
        stdout: `added: job hook of group/app -> ${webhookUrl}\n`,
        stderr: '',
      });
      const [updated, withoutToken, withWrongToken, nowhere] = await Promise.all([
        world.cliWith({ environment }, ...add),
        world.cli(...add),
        world.cliWith({ environment: { ...environment, GITLAB_TOKEN: 'not-the-real-one' } }, ...add),
        world.cliWith({ environment }, '--deployment', 'elsewhere', 'webhook', 'add', 'group/app'),
      ]);
      expect(updated).toMatchObject({ exitCode: 0, stdout: `updated: job hook of group/app -> ${webhookUrl}\n` });
      expectRefused(withoutToken, /Set GITLAB_TOKEN/u);
      expectRefused(withWrongToken, /refuses the access token in GITLAB_TOKEN .* scope api.* Maintainer/u);
      expectRefused(nowhere, /URL of GitLab is not known, .* "elsewhere": add --gitlab URL/u);
      const hooks = await fetch(`${gitlab.url}/api/v4/projects/${id}/hooks`, {
        headers: { 'private-token': 'not-a-real-secret' },
      });
      expect(await hooks.json()).toMatchObject([{ url: webhookUrl, job_events: true, push_events: false }]);
    } finally {
      await gitlab.stop();
    }
  });

  it('move the hook that has the address without its last part, which was its address once', async () => {
    const gitlab = await startLocalGitLab({ port: 0, adminToken: 'not-a-real-secret' });
    try {
      const { id } = gitlab.createProject('group/app');
      const environment = { ...world.environment, GITLAB_TOKEN: 'not-a-real-secret' };
      const add = (...url: string[]) =>
        world.cliWith({ environment }, 'webhook', 'add', 'group/app', '--gitlab', gitlab.url, ...url);
      for (const other of ['https://hooks.example.com', 'https://elsewhere.example.com/webhook']) {
        expect((await add('--url', other)).stdout).toMatch(/^added/u);
      }
      expect((await add('--url', 'https://hooks.example.com/webhook')).stdout).toMatch(/^added/u);
      expect((await add()).stdout).toBe(`updated: job hook of group/app -> ${webhookUrl}\n`);
      const hooks = await fetch(`${gitlab.url}/api/v4/projects/${id}/hooks`, {
        headers: { 'private-token': 'not-a-real-secret' },
      });
      const urls = ((await hooks.json()) as { readonly url: string }[]).map(({ url }) => url);
      expect(urls.sort()).toEqual(['https://elsewhere.example.com/webhook', 'https://hooks.example.com', webhookUrl]);
    } finally {
      await gitlab.stop();
    }
  });

  it('make tokens of its own for a project, which its hook gets and no other, and end them', async () => {
    const gitlab = await startLocalGitLab({ port: 0, adminToken: 'not-a-real-secret' });
    try {
      const { id } = gitlab.createProject('group/app');
      gitlab.createProject('group/other');
      const environment = { ...world.environment, GITLAB_TOKEN: 'not-a-real-secret' };
      const add = (project: string) =>
        world.cliWith({ environment }, 'webhook', 'add', project, '--gitlab', gitlab.url);
      const before = await world.secret('webhook');
      expectRefused(await world.cli('webhook', 'forget', 'group/app'), /group\/app has no webhook secret of its own/u);
      expectDone(await world.cli('webhook', 'rotate', '--project', 'Group/App'));
      const stored = await world.secret('webhook');
      expect(stored).toMatchObject({ token: before.token, projects: { 'group/app': { madeAt: expect.any(String) } } });
      expect((await add('group/other')).stdout).toBe(`added: job hook of group/other -> ${webhookUrl}\n`);
      expect((await add(String(id))).stdout).toMatch(/with the tokens of group\/app alone/u);
      expectDone(await world.cli('webhook', 'forget', 'group/app'));
      expect(await world.secret('webhook')).toMatchObject({ token: before.token, projects: {} });
    } finally {
      await gitlab.stop();
    }
  });

  it('give a hook no token where signed calls alone are taken, and say what is missing for that', async () => {
    const gitlab = await startLocalGitLab({ port: 0, adminToken: 'not-a-real-secret' });
    const heard: IncomingHttpHeaders[] = [];
    const receiver = createServer(({ headers }, response) => {
      heard.push(headers);
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const content = { name: 'gitlab-runners', gitlab: { url: gitlab.url, webhook: { signatureOnly: true } } };
    const config = fileWith('signed.mjs', `export default ${JSON.stringify(content)};`);
    try {
      const { id } = gitlab.createProject('group/app');
      const environment = { ...world.environment, GITLAB_TOKEN: 'not-a-real-secret' };
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhook`;
      const add = () => world.cliWith({ environment }, '--config', config, 'webhook', 'add', 'group/app', '--url', url);
      await world.storeSecret('webhook', { token: 'not-a-real-secret' });
      expectRefused(await add(), /takes signed calls alone .*run "webhook rotate" first/u);
      await world.cli('webhook', 'rotate', '--yes');
      expectDone(await add());
      gitlab.createPipeline(id, 'lint: { script: [echo] }');
      await gitlab.settleWebhooks();
      expect(heard[0]).toMatchObject({ 'webhook-signature': expect.stringMatching(/^v1,/) });
      expect(heard[0]).not.toHaveProperty('x-gitlab-token');
    } finally {
      receiver.close();
      await gitlab.stop();
    }
  });

  it('reach the GitLab of the configuration by the certificates that it names, without which doctor says what is wrong', async () => {
    const gitlab = await startLocalGitLab({ port: 0, adminToken: 'not-a-real-secret' });
    const authority = createPrivateAuthority();
    const secure = await authority.serveByTls(gitlab.url);
    const configuration = (name: string, caCertificates?: string) => {
      const content = { name: 'gitlab-runners', gitlab: { url: secure.url, caCertificates } };
      return fileWith(name, `export default ${JSON.stringify(content)};`);
    };
    try {
      gitlab.createProject('group/app');
      const environment = { ...world.environment, GITLAB_TOKEN: 'not-a-real-secret' };
      const add = (config: string) => world.cliWith({ environment }, '--config', config, 'webhook', 'add', 'group/app');
      const examine = async (config: string) =>
        JSON.parse((await world.cli('--config', config, 'doctor', '--json')).stdout) as { readonly what: string }[];
      const [trusting, plain] = [configuration('trusting.mjs', authority.certificate), configuration('plain.mjs')];
      expect(await add(trusting)).toMatchObject({
        exitCode: 0,
        stdout: `added: job hook of group/app -> ${webhookUrl}\n`,
        stderr: '',
      });
      expectRefused(await add(plain), /127\.0\.0\.1:\d+ has a certificate .*into gitlab\.caCertificates/u);
      const finding = { what: `GitLab (${secure.url})`, remedy: expect.stringContaining('gitlab.caCertificates') };
      expect(await examine(plain)).toContainEqual(expect.objectContaining(finding));
      expect((await examine(trusting)).map(({ what }) => what)).not.toContain(finding.what);
    } finally {
      await secure[Symbol.asyncDispose]();
      await gitlab.stop();
    }
  });
});

describe('--help', () => {
  it('says how, with examples and the options that hold everywhere', async () => {
    const commands = [[], ['mapping', 'import']];
    for (const help of await Promise.all(commands.map((command) => world.cli(...command, '--help')))) {
      expectDone(help);
      expect(help.stdout).toMatch(/^Examples?:\n {2}\$ npm run -s cli -- /mu);
      expect(help.stdout).toMatch(/--endpoint-url <url>/u);
    }
  });

  it('is hinted at when a command is not understood', async () => {
    expectRefused(await world.cli('mapping', 'explain'), /required option '--job <name>' not specified\n.*--help/u);
  });
});
