import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  EnvironmentNotCleanError,
  JobRoleNotAssumedError,
  TicketNotClaimedError,
} from '../../lambda-shell-runner/runner-errors.ts';
import { fakeToken, isAlive, RunnerMachine, runnerTicket } from './executions.ts';
import type { FakeRunnerScript } from './fake-gitlab-runner.ts';

const machines: RunnerMachine[] = [];

function machineWhere(script: FakeRunnerScript): RunnerMachine {
  const machine = new RunnerMachine(script);
  machines.push(machine);
  return machine;
}

/** A runner that is given job 10, which runs these bash commands. */
function machineWithJob(jobScript: string, more: Partial<FakeRunnerScript> = {}): RunnerMachine {
  return machineWhere({ answers: [{ kind: 'job', jobId: 10 }], jobScript, ...more });
}

afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});

function expectNothingHere(machine: RunnerMachine): void {
  expect(machine.leftovers).toEqual([]);
  expect([...machine.tickets]).toEqual([]);
  expect(machine.environmentEnded).toBe(false);
}

/** After a job: its runner is left to the autoscaler, since GitLab would forget with it which runner had the job. */
function expectOnlyItsRunnerLeft(machine: RunnerMachine): void {
  expectNothingHere(machine);
  expect([...machine.runnersInGitLab]).toEqual([fakeToken]);
}

/** Without a job. */
function expectNothingLeft(machine: RunnerMachine): void {
  expectNothingHere(machine);
  expect([...machine.runnersInGitLab]).toEqual([]);
}

describe('an execution of the Lambda shell runner', () => {
  it('runs a job that succeeds, and leaves nothing behind', async () => {
    const machine = machineWithJob('exit 0\n');
    expect(await machine.execute()).toEqual({ outcome: 'job-succeeded', takenJobId: 10, reported: true });
    expectOnlyItsRunnerLeft(machine);
  });

  it('takes a job that fails for an outcome, not for an error', async () => {
    const machine = machineWithJob('exit 3\n');
    expect(await machine.execute()).toEqual({
      outcome: 'job-failed',
      takenJobId: 10,
      reported: true,
      failureReason: 'script_failure',
      exitCode: 3,
    });
    expectOnlyItsRunnerLeft(machine);
  });

  it('says which job it took when that is another than the one it was started for', async () => {
    const machine = machineWhere({ answers: [{ kind: 'job', jobId: 11 }] });
    expect(await machine.execute()).toMatchObject({ outcome: 'job-succeeded', takenJobId: 11 });
  });

  it('does nothing without a ticket: another execution has it', async () => {
    const machine = machineWithJob('exit 0\n');
    machine.tickets.clear();
    expect(await machine.execute()).toEqual({ outcome: 'ticket-missing' });
    expect(machine.read('notes.json')).toBe('');
    expect(machine.leftovers).toEqual([]);
    expect([...machine.runnersInGitLab]).toEqual([fakeToken]);
  });

  it('does nothing with a ticket that has expired', async () => {
    const machine = machineWithJob('exit 0\n');
    machine.issueTicket(runnerTicket({ expiresAt: Date.now() / 1_000 - 1 }));
    expect(await machine.execute()).toEqual({ outcome: 'ticket-missing' });
    expect(machine.leftovers).toEqual([]);
  });

  it('ends a runner that is given no job, even inside a long poll', async () => {
    const machine = machineWhere({ answers: [], longPoll: true });
    expect(await machine.execute({ patience: { waitForJob: 3_000 } })).toEqual({ outcome: 'no-job' });
    expectNothingLeft(machine);
  });

  it('says why there was no job when GitLab could not be reached', async () => {
    const machine = machineWhere({ answers: [{ kind: 'error' }, { kind: 'error', afterMilliseconds: 500 }] });
    await expect(machine.execute({ patience: { waitForJob: 3_000 } })).rejects.toMatchObject({
      name: 'GitLabUnreachableError',
      message: 'Checking for jobs... failed: execute JSON request: connection refused',
    });
    expectNothingLeft(machine);
  });

  it('ends a runner that GitLab refuses instead of letting it sleep for five minutes', async () => {
    const machine = machineWhere({ answers: [{ kind: 'forbidden' }] });
    expect(await machine.execute()).toMatchObject({ outcome: 'runner-refused' });
    expectNothingLeft(machine);
  });

  it.each(['canceled-job', 'canceling-job', 'unknown-job'] as const)(
    'does not wait for a second job when the first one was canceled at hand-over: %s',
    async (kind) => {
      const machine = machineWhere({
        answers: [
          { kind, jobId: 10 },
          { kind: 'job', jobId: 11, afterMilliseconds: 10_000 },
        ],
      });
      expect(await machine.execute()).toEqual({
        outcome: 'job-failed',
        takenJobId: 10,
        reported: true,
        failureReason: 'canceled_before_start',
      });
      expectNothingLeft(machine);
    },
  );

  it('lets a job run that was handed out while its runner was being removed', async () => {
    const machine = machineWhere({
      answers: [{ kind: 'job', jobId: 10 }],
      jobScript: 'sleep 0.5\n',
    });
    const removeRunner = async () => {
      while (!machine.logText.includes('Checking for jobs... received')) await sleep(20);
    };
    const outcome = await machine.execute({ patience: { waitForJob: 0 }, ports: { removeRunner } });
    expect(outcome).toEqual({ outcome: 'job-succeeded', takenJobId: 10, reported: true });
  });

  it('ends a job early enough to report it when the function’s time is over', async () => {
    const machine = machineWithJob('sleep 60\n');
    expect(await machine.execute({ seconds: 6 })).toEqual({
      outcome: 'out-of-time',
      takenJobId: 10,
      reported: true,
      failureReason: 'runner_interrupted',
    });
    expectOnlyItsRunnerLeft(machine);
  });

  it('kills a job that ignores being told to end, and returns before the function’s end', async () => {
    const machine = machineWithJob(`trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done\n`);
    const endsAt = Date.now() + 18_000;
    const end = await machine.execute({ seconds: 18, patience: { cleanUp: 10_000 } });
    expect(end).toEqual({ outcome: 'out-of-time', takenJobId: 10, reported: false });
    expect(Date.now()).toBeLessThan(endsAt);
    expectOnlyItsRunnerLeft(machine);
  });

  it('ends a runner that does not end after its job', async () => {
    const machine = machineWithJob('exit 0\n', { hangsAfterJob: true, longPoll: true });
    expect(await machine.execute()).toMatchObject({ outcome: 'job-succeeded', reported: true });
    expectOnlyItsRunnerLeft(machine);
  });

  it('still returns when GitLab does not let the runner be removed', async () => {
    const machine = machineWhere({ answers: [] });
    const removeRunner = () => Promise.reject(new Error('GitLab is down'));
    const patience = { waitForJob: 3_000 };
    expect(await machine.execute({ ports: { removeRunner }, patience })).toMatchObject({ outcome: 'no-job' });
    expect(machine.logLines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'runner not removed in GitLab', runnerId: 7 }),
    );
  });

  it('leaves nothing after many jobs in the same environment', async () => {
    const machine = machineWithJob('echo a > "$HOME/a"; echo b > "$TMPDIR/b"; (setsid sleep 60 &) ; exit 0\n');
    const open = () => process.getActiveResourcesInfo().filter((name) => /Pipe|Process/.test(name)).length;
    const openBefore = open();
    for (let run = 0; run < 20; run += 1) {
      machine.issueTicket();
      expect(await machine.execute()).toMatchObject({ outcome: 'job-succeeded' });
      expectOnlyItsRunnerLeft(machine);
    }
    expect(open()).toBe(openBefore);
  });
});

describe('what a job sees', () => {
  it('is an environment with no trace of AWS, of Lambda or of the runner’s token', async () => {
    const machine = machineWithJob('');
    const job = machineWithJob(
      [
        `env > '${machine.outside('env')}'`,
        `tr '\\0' '\\n' < /proc/$PPID/environ > '${machine.outside('parent-env')}'`,
        `tr '\\0' ' ' < /proc/$PPID/cmdline > '${machine.outside('parent-cmdline')}'`,
        `grep -rl glrt- "$HOME/.." > '${machine.outside('files')}' || true`,
        '',
      ].join('\n'),
      // As long as GitLab needs to answer, at the least.
      { answers: [{ kind: 'job', jobId: 10, afterMilliseconds: 100 }] },
    );
    expect(await job.execute()).toMatchObject({ outcome: 'job-succeeded' });
    const seen = [machine.read('env'), machine.read('parent-env'), machine.read('parent-cmdline')].join('\n');
    expect(machine.read('env')).toMatch(/^HOME=.*\/home$/m);
    expect(machine.read('parent-cmdline')).toContain('run-single -c ');
    expect(seen).not.toMatch(/AWS_|_HANDLER|LAMBDA|GITLAB_RUNNER_PATH/);
    expect(seen).not.toContain(fakeToken);
    expect(machine.read('files')).toBe('');
  });

  it('is a fresh folder that holds its home, its temporary files, its builds and its cache', async () => {
    const machine = machineWithJob('');
    const job = machineWithJob(`(pwd; echo "$HOME"; echo "$TMPDIR"; mktemp) > '${machine.outside('places')}'\n`);
    await job.execute();
    const places = machine.read('places').trim().split('\n');
    expect(places).toHaveLength(4);
    for (const place of places) expect(place).toContain(join(job.scratch, 'job-'));
  });

  it('is not the configuration with the token, which only its runner could read, and only until it had', async () => {
    const machine = machineWithJob('exit 0\n');
    await machine.execute();
    const { args, config, configMode, systemId, environment } = machine.notes;
    expect(configMode).toBe('600');
    expect(config).toContain(fakeToken);
    expect(systemId).toMatch(/^[rs]_[0-9a-zA-Z]{12}$/);
    expect(args.join(' ')).toMatch(
      /^--log-format json run-single -c \S+ -r on demand --max-builds 1 --wait-timeout 20$/,
    );
    expect(JSON.stringify(environment)).not.toContain(fakeToken);
  });

  it('is the credentials of its profile’s role, in a file that goes with it, and not in its environment', async () => {
    const words = machineWithJob('');
    const job = machineWithJob(
      [
        `cat "$AWS_SHARED_CREDENTIALS_FILE" ~/.aws/credentials > '${words.outside('file')}'`,
        `env > '${words.outside('env')}'`,
        '',
      ].join('\n'),
    );
    const assumeJobRole = async () => ({
      accessKeyId: 'fake-job-key',
      secretAccessKey: 'not-a-real-job-secret',
      sessionToken: 'not-a-real-job-session',
      region: 'eu-west-1',
    });
    expect(await job.execute({ ports: { assumeJobRole } })).toMatchObject({ outcome: 'job-succeeded' });
    const file =
      '[default]\naws_access_key_id = fake-job-key\naws_secret_access_key = not-a-real-job-secret\naws_session_token = not-a-real-job-session\n';
    expect(words.read('file')).toBe(file + file);
    expect(words.read('env')).toMatch(/^AWS_REGION=eu-west-1$/m);
    expect(words.read('env')).not.toMatch(/fake-job-key|not-a-real/);
    expect(job.logText).not.toMatch(/fake-job-key|not-a-real/);
    expectOnlyItsRunnerLeft(job);
  });

  it('does not have its runner’s token in the function’s log', async () => {
    const machine = machineWithJob('exit 0\n');
    await machine.execute();
    expect(machine.logText).toContain('Starting runner for');
    expect(machine.logText).not.toContain(fakeToken);
    expect(machine.logText).not.toContain(fakeToken.slice(5, 14));
  });
});

describe('what a job leaves running', () => {
  const pidsOf = (machine: RunnerMachine) => machine.read('pids').trim().split('\n').map(Number);

  it.each([
    ['a background process', '(sleep 60 & echo $! >> "$PIDS")'],
    ['one in a group of its own that dropped its environment', '(set -m; env -i sleep 60 & echo $! >> "$PIDS")'],
    ['a process in a session of its own', 'setsid bash -c \'echo $$ >> "$PIDS"; exec sleep 60\' &\nsleep 0.3'],
    [
      'a daemon, forked twice',
      '(setsid bash -c \'(trap "" HUP TERM; echo $BASHPID >> "$PIDS"; exec sleep 60) & exit\' &)\nsleep 0.3',
    ],
  ])('is killed: %s', async (_what, commands) => {
    const words = machineWithJob('');
    const machine = machineWithJob(`export PIDS='${words.outside('pids')}'\n${commands}\nexit 0\n`);
    expect(await machine.execute()).toMatchObject({ outcome: 'job-succeeded' });
    expect(pidsOf(words)[0]).toBeGreaterThan(0);
    expect(pidsOf(words).filter(isAlive)).toEqual([]);
    expectOnlyItsRunnerLeft(machine);
  });

  it('is killed together with a job that ran out of time', async () => {
    const words = machineWithJob('');
    const machine = machineWithJob(
      `trap '' TERM; echo $$ > '${words.outside('pids')}'; setsid sleep 60 & echo $! >> '${words.outside('pids')}'\nwhile :; do sleep 0.1; done\n`,
    );
    expect(await machine.execute({ seconds: 6 })).toMatchObject({ outcome: 'out-of-time' });
    expect(pidsOf(words)).toHaveLength(2);
    expect(pidsOf(words).filter(isAlive)).toEqual([]);
  });
});

describe('an environment in which no job may run', () => {
  it('is ended when something of a job remains', async () => {
    const machine = machineWithJob('exit 0\n');
    const sandbox = {
      prepare: async () => ({
        folder: (await import('../../lambda-shell-runner/job-folder.client.ts')).createJobFolder(machine.scratch),
        executionId: 'run-1',
        claimSession: () => {},
        clear: async () => ['process 99'],
      }),
    };
    await machine.execute({ ports: { sandbox } });
    expect(machine.environmentEnded).toBe(true);
    expect(machine.logLines).toContainEqual(expect.objectContaining({ level: 'error', remains: ['process 99'] }));
  });

  it('is ended before the ticket is claimed when an earlier job left something', async () => {
    const machine = machineWithJob('exit 0\n');
    const sandbox = { prepare: () => Promise.reject(new EnvironmentNotCleanError('process 99')) };
    await expect(machine.execute({ ports: { sandbox } })).rejects.toThrow(EnvironmentNotCleanError);
    expect(machine.environmentEnded).toBe(true);
    expect([...machine.tickets.keys()]).toEqual(['ticket-1']);
  });
});

describe('a failure for which another attempt must be made', () => {
  it('is a missing gitlab-runner, found before the ticket is claimed', async () => {
    const machine = machineWithJob('exit 0\n');
    const environment = { PATH: '/nowhere:/not/here' };
    await expect(machine.execute({ ports: { environment } })).rejects.toMatchObject({
      name: 'RunnerBinaryMissingError',
      message: expect.stringMatching(/PATH \(\/nowhere:\/not\/here\).*packaging "image".*GITLAB_RUNNER_PATH/s),
    });
    expect([...machine.tickets.keys()]).toEqual(['ticket-1']);
    expect(machine.leftovers).toEqual([]);
  });

  it('is a GITLAB_RUNNER_PATH that is no program', async () => {
    const machine = machineWithJob('exit 0\n');
    const environment = { PATH: process.env.PATH, GITLAB_RUNNER_PATH: machine.outside('no-program') };
    await expect(machine.execute({ ports: { environment } })).rejects.toMatchObject({
      name: 'RunnerBinaryMissingError',
      message: expect.stringContaining('GITLAB_RUNNER_PATH'),
    });
  });

  it('is a gitlab-runner that cannot be executed', async () => {
    const machine = machineWithJob('exit 0\n');
    writeFileSync(machine.outside('bad'), '#!/no/such/interpreter\n', { mode: 0o755 });
    const environment = { PATH: process.env.PATH, GITLAB_RUNNER_PATH: machine.outside('bad') };
    await expect(machine.execute({ ports: { environment } })).rejects.toMatchObject({ name: 'RunnerNotStartedError' });
    expectNothingLeft(machine);
  });

  it.each([
    ['at its start', { answers: [], crash: 'at-start' }],
    ['before it had a job', { answers: [{ kind: 'crash' }] }],
  ] as const)('is a gitlab-runner that crashes %s', async (_when, script) => {
    const machine = machineWhere(script);
    await expect(machine.execute()).rejects.toMatchObject({
      name: 'RunnerCrashedError',
      message: expect.stringMatching(/homedir variable is not set|out of memory/),
    });
    expectNothingLeft(machine);
  });

  it('is a role for the job that could not be assumed, found before the ticket is claimed', async () => {
    const machine = machineWithJob('exit 0\n');
    const assumeJobRole = () => Promise.reject(new JobRoleNotAssumedError('AccessDenied'));
    await expect(machine.execute({ ports: { assumeJobRole } })).rejects.toThrow(JobRoleNotAssumedError);
    expect([...machine.tickets.keys()]).toEqual(['ticket-1']);
    expect(machine.leftovers).toEqual([]);
  });

  it('is a ticket that could not be claimed', async () => {
    const machine = machineWithJob('exit 0\n');
    const claimTicket = () => Promise.reject(new TicketNotClaimedError('no answer'));
    await expect(machine.execute({ ports: { claimTicket } })).rejects.toThrow(TicketNotClaimedError);
    expect(machine.leftovers).toEqual([]);
  });
});
