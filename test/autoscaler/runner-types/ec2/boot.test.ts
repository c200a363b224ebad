import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it, type TestContext } from 'vitest';
import { systemIdOf } from '../../../../autoscaler/runner-store/runner-manager.ts';
import { recordedRunnerLogFile } from '../../../infrastructure/gitlab-runner/recorded-runner-logs.ts';
import {
  bootRunnerHost,
  hostName,
  instanceId,
  type RunnerHostOptions,
  roleSecret,
  ticket,
  token,
} from './runner-host.ts';

async function host(test: TestContext, options: RunnerHostOptions = {}) {
  const booted = await bootRunnerHost(options);
  test.onTestFinished(() => booted.close());
  return booted;
}

/** The stub of gitlab-runner takes a job and then does this. */
const takesJobAnd = (behaviour: string) => `tell 'Checking for jobs... received' ',"job":10'\n${behaviour}`;
const workUntilTerminated = `
trap 'tell "Job failed: aborted: terminated" ",\\"failure_reason\\":\\"runner_interrupted\\""; exit 0' TERM
${takesJobAnd('while :; do sleep 0.1; done')}`;

/**
 * A stub in Node: bash cannot listen to a signal that its parent lets it ignore, as gitlab-runner does with SIGQUIT.
 */
const nodeStub = (lines: string) => `exec "${process.execPath}" -e '
  const tell = (msg, more) => console.error(JSON.stringify({ level: "info", msg, ...more }));
  ${lines}'`;
const managerTicket = ticket({ mode: { S: 'manager' } });

describe.concurrent('a host of a long-lived runner', () => {
  it('removes itself from the runner when it got no job, and never the runner', async (test) => {
    const machine = await host(test, { ticket: managerTicket, runner: `tell 'no job'` });
    expect((await machine.ended).reason).toBe('no-job');
    expect(machine.removedManagers).toEqual([{ token, systemId: 's_56789abcdef0' }]);
    expect(machine.unregistered).toEqual([]);
    expect(machine.read('system-id')).toBe(systemIdOf(instanceId));
  });

  it('lets an idle runner end what it asks, and removes itself before it stops it', async (test) => {
    const machine = await host(test, {
      ticket: managerTicket,
      settings: { waitTimeoutSeconds: 1, timings: { longPollSeconds: 1 } },
      runner: nodeStub(`
        process.on("SIGQUIT", () => tell("asked to quit"));
        process.on("SIGTERM", () => { tell("asked to stop"); process.exit(0); });
        setInterval(() => {}, 1_000);`),
    });
    const { log } = await machine.ended;
    // First SIGQUIT: a job that GitLab hands out at this moment is run, where SIGTERM would fail it.
    expect(log).toMatch(
      /asked to quit[\s\S]*event=unregistered status=204[\s\S]*event=stopping reason=no-job[\s\S]*asked to stop/,
    );
    expect(machine.removedManagers).toEqual([{ token, systemId: 's_56789abcdef0' }]);
    expect(machine.unregistered).toEqual([]);
  });

  it('stays known in GitLab as the host of its job', async (test) => {
    const machine = await host(test, { ticket: managerTicket });
    expect((await machine.ended).reason).toBe('job-over job=10 outcome=succeeded');
    expect(machine.removedManagers).toEqual([]);
    expect(machine.unregistered).toEqual([]);
  });

  it('lets its runner ask for no other job once it has one, also when that job never started', async (test) => {
    const machine = await host(test, {
      ticket: managerTicket,
      runner: nodeStub(`
        process.on("SIGQUIT", () => { tell("asked to quit"); process.exit(0); });
        tell("Checking for jobs... received", { job: 10 });
        setTimeout(() => { tell("never asked"); process.exit(0); }, 10_000);`),
    });
    const { log } = await machine.ended;
    expect(log).toContain('asked to quit');
  });
});

describe.concurrent('the life of a runner host', () => {
  it('claims its ticket, runs one job, leaves its runner to the control plane and shuts down', async (test) => {
    const machine = await host(test);
    const { reason, shutdowns, log } = await machine.ended;
    expect(reason).toBe('job-over job=10 outcome=succeeded');
    expect(shutdowns).toEqual(['-h now']);
    expect(log).toContain('event=claimed job=job#1#10');
    expect(log).toContain('"msg":"Job succeeded"');
    expect(machine.table.has(hostName)).toBe(false);
    expect(machine.table.claims).toEqual([{ table: 'tickets', id: hostName }]);
    expect(machine.table.refusals).toEqual([]);
    expect(machine.unregistered).toEqual([]);
  });

  it('starts gitlab-runner for one job, with a config of its own in memory', async (test) => {
    const runnerSettings = {
      environment: ['QUOTES=it\'s "fine"\n$HOME'],
      pre_build_script: "echo 'ready'\ntrue",
      docker: { image: 'registry.test/a"b:1', privileged: true, volumes: ['/cache', '/certs/client'] },
    };
    const machine = await host(test, { settings: { runnerSettings } });
    await machine.ended;
    const args = machine.read('arguments').trim().split('\n');
    expect(args.slice(0, 4)).toEqual(['--log-format', 'json', 'run-single', '-c']);
    expect(args[4]).toMatch(/^\/dev\/shm\/runner-host-[0-9-]+\/config\.toml$/);
    expect(args.slice(5)).toEqual(['-r', instanceId, '--max-builds', '1', '--wait-timeout', '20']);
    expect(machine.read('mode').trim()).toBe('600');
    expect(machine.read('system-id')).toBe('s_56789abcdef0');
    expect(parse(machine.read('config.toml'))).toMatchObject({
      concurrent: 1,
      runners: [
        {
          name: instanceId,
          token,
          executor: 'docker',
          ...runnerSettings,
        },
      ],
    });
  });

  it('gives a shell runner its folders and no docker section', async (test) => {
    const machine = await host(test, { settings: { executor: 'shell', runnerSettings: { output_limit: 9 } } });
    await machine.ended;
    const [runner] = parse(machine.read('config.toml')).runners as Record<string, unknown>[];
    expect(runner).toMatchObject({ executor: 'shell', shell: 'bash', builds_dir: `${machine.home}/builds` });
    expect(runner).toHaveProperty('output_limit', 9);
    expect(runner).not.toHaveProperty('docker');
  });

  it('runs the profile’s own script before it takes its ticket, without token and keys', async (test) => {
    const bootHook = 'echo "hook of $(id -u) in $HOME"; env >"$HOME/hook-environment"; curl --version >/dev/null';
    const machine = await host(test, { settings: { bootHook } });
    const { log, reason } = await machine.ended;
    expect(log).toMatch(/hook of \d+ in [\s\S]*event=boot-hook status=0[\s\S]*event=claimed/);
    expect(reason).toContain('job-over');
    const environment = readFileSync(join(machine.home, 'hook-environment'), 'utf8');
    expect(environment).toContain('HOME=');
    for (const secret of [token, roleSecret, 'AWS_', 'NOT_FOR_JOBS']) expect(environment).not.toContain(secret);
  });

  it.each(['true; false; true', 'exit 7'])(
    'ends with its ticket unclaimed when that script fails: %s',
    async (bootHook) => {
      const machine = await bootRunnerHost({ settings: { bootHook } });
      const { reason, shutdowns } = await machine.ended;
      const claimed = machine.table.claims;
      await machine.close();
      expect(reason).toMatch(/^boot-hook-failed status=[17]$/);
      expect(shutdowns).toEqual(['-h now']);
      expect(claimed).toEqual([]);
    },
  );

  it('keeps token and role keys out of arguments, environments, logs and files', async (test) => {
    const machine = await host(test, { settings: { executor: 'shell' } });
    const { log } = await machine.ended;
    const seen = [machine.read('argv'), machine.read('environ'), machine.read('environment'), log];
    for (const text of seen) {
      expect(text).not.toBe('');
      expect(text).not.toContain(token);
      expect(text).not.toContain(roleSecret);
      expect(text).not.toContain('not-a-real-session');
      expect(text).not.toContain('NOT_FOR_JOBS');
      expect(text).not.toContain('AWS_');
    }
    expect(machine.memoryFolders()).toEqual([]);
    const left = readdirSync(machine.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of left) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toContain(token);
  });

  it('removes the config as soon as the runner has read it, and its folder at the end', async (test) => {
    const machine = await host(test, {
      runner: takesJobAnd(`
        for ((i = 0; i < 100; i += 1)); do [[ -e $config ]] || break; sleep 0.05; done
        [[ -e $config ]] || tell 'Job succeeded while the config was gone'`),
    });
    const { log } = await machine.ended;
    expect(log).toContain('Job succeeded while the config was gone');
    expect(machine.memoryFolders()).toEqual([]);
  });

  it('waits for a ticket that is written after the boot', async (test) => {
    const machine = await host(test, { ticketAfter: null });
    await expect.poll(() => machine.table.claims.length, { timeout: 10_000 }).toBeGreaterThan(0);
    machine.table.put(hostName, ticket());
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('job-over job=10 outcome=succeeded');
    expect(machine.table.claims.length).toBeGreaterThan(1);
    expect(shutdowns).toHaveLength(1);
  });

  it('shuts down without a runner when no ticket comes', async (test) => {
    const machine = await host(test, { ticketAfter: null, settings: { claimSeconds: 2 } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('no-ticket');
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.read('arguments')).toBe('');
    expect(machine.unregistered).toEqual([]);
  });

  it('waits longer for its ticket once it finds that it is held, and asks less often', async (test) => {
    const machine = await host(test, {
      ticket: ticket({ token: { S: '' }, mode: { S: 'held' } }),
      settings: { claimSeconds: 1, heldSeconds: 30 },
    });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    machine.table.put(hostName, ticket());
    const { reason, log } = await machine.ended;
    expect(log).toMatch(/event=held job=job#1#10[\s\S]*event=claimed job=job#1#10/);
    expect(reason).toBe('job-over job=10 outcome=succeeded');
  });

  it('shuts down when it is held for too long', async (test) => {
    const machine = await host(test, {
      ticket: ticket({ token: { S: '' }, mode: { S: 'held' } }),
      settings: { claimSeconds: 1, heldSeconds: 2 },
    });
    expect((await machine.ended).reason).toBe('no-ticket');
    expect(machine.unregistered).toEqual([]);
  });

  it('gets nothing when the ticket was claimed before', async (test) => {
    const machine = await host(test, { settings: { claimSeconds: 2 } });
    expect((await machine.ended).reason).toContain('job-over');
    const second = await machine.bootAgain();
    expect(second.reason).toBe('no-ticket');
    expect(machine.unregistered).toEqual([]);
  });

  it('says why a claim is refused, without the keys that the answer repeats, and asks for new ones', async (test) => {
    const machine = await host(test, { secretAccessKey: 'another-fake-key', settings: { claimSeconds: 2 } });
    const { reason, log } = await machine.ended;
    expect(reason).toBe('claim-refused status=400');
    expect(machine.table.refusals).toContain('wrong signature');
    expect(log).toContain('event=claim-refused status=400 type=com.amazon.coral.service#InvalidSignatureException');
    expect(log).not.toContain('not-a-real-session');
    expect(machine.table.has(hostName)).toBe(true);
  });

  it('refuses a token that would not fit into its config', async (test) => {
    const machine = await host(test, { ticket: ticket({ token: { S: 'glrt-fake' + "'; rm -rf" } }) });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('malformed-ticket');
    expect(shutdowns).toHaveLength(1);
    expect(machine.read('arguments')).toBe('');
  });

  it('leaves the ticket alone when nothing but a disk could hold the token', async (test) => {
    const machine = await host(test, { commands: { stat: 'echo ext2/ext3' } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('no-memory-backed-folder');
    expect(shutdowns).toHaveLength(1);
    expect(machine.table.has(hostName)).toBe(true);
  });

  it('ends when it has no role', async (test) => {
    const machine = await host(test, { roleName: undefined, settings: { claimSeconds: 1 } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('no-role-credentials');
    expect(shutdowns).toHaveLength(1);
  });

  it('ends at once when GitLab refuses the token, instead of sleeping with the runner', async (test) => {
    const machine = await host(test, { runner: `tell 'Runner is not healthy!'\nexec sleep 300` });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('runner-refused');
    expect(shutdowns).toHaveLength(1);
    expect(machine.unregistered).toEqual([token]);
  });

  it('ends the job when EC2 takes the host back', async (test) => {
    const machine = await host(test, { runner: workUntilTerminated });
    await machine.hostSays('Checking for jobs... received');
    machine.interrupt();
    const { reason, shutdowns, log } = await machine.ended;
    expect(reason).toBe('spot-interruption job=10 outcome=failed failure=runner_interrupted');
    expect(log).toContain('Job failed: aborted: terminated');
    expect(shutdowns).toHaveLength(1);
    expect(machine.unregistered).toEqual([]);
  });

  it('kills a runner that hangs past the longest job', async (test) => {
    const machine = await host(test, {
      settings: { maximumJobMinutes: 1 / 60, timings: { marginSeconds: 1, stopGraceSeconds: 1 } },
      runner: takesJobAnd(`trap '' TERM\nwhile :; do sleep 0.1; done`),
    });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('too-late job=10 outcome=unknown');
    expect(shutdowns).toHaveLength(1);
    expect(machine.unregistered).toEqual([]);
  });

  it('removes an idle runner from GitLab before it stops it', async (test) => {
    const machine = await host(test, {
      settings: { waitTimeoutSeconds: 1, timings: { longPollSeconds: 1 } },
      runner: `trap 'tell "asked to stop"' TERM\nwhile :; do sleep 0.1; done`,
    });
    const { reason, log, shutdowns } = await machine.ended;
    expect(reason).toBe('no-job');
    expect(log).toMatch(/event=unregistered status=204[\s\S]*event=stopping reason=no-job[\s\S]*asked to stop/);
    expect(machine.unregistered).toEqual([token]);
    expect(shutdowns).toHaveLength(1);
  });

  it('ends when the runner gives up by itself without a job', async (test) => {
    const machine = await host(test, {
      runner: `tell 'This runner has not received a job in 20 seconds, so now exiting'`,
    });
    expect((await machine.ended).reason).toBe('no-job');
  });

  it.for(['canceled-before-start', 'canceling-before-start', 'gone-before-start'] as const)(
    'is as good as without a job that was canceled as it was handed out: %s',
    async (log, test) => {
      const machine = await host(test, { runner: `cat ${recordedRunnerLogFile(log)} >&2` });
      const { reason, log: said } = await machine.ended;
      expect(reason).toBe('no-job');
      expect(said).toContain('event=job-gone job=10');
      expect(machine.unregistered).toEqual([token]);
    },
  );

  it('tells that the runner failed', async (test) => {
    const machine = await host(test, { runner: 'exit 7' });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('runner-failed status=7');
    expect(shutdowns).toHaveLength(1);
  });

  it('tells that the image has no runner', async (test) => {
    const machine = await host(test, { commands: { 'gitlab-runner': 'exit 127' } });
    expect((await machine.ended).reason).toBe('runner-failed status=127');
  });

  it('shuts down when a command of the script itself fails', async (test) => {
    const machine = await host(test, { commands: { mkdir: 'exit 1' } });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toMatch(/^script-error line=\d+$/);
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.table.has(hostName)).toBe(true);
  });

  it('lets the runner report its job when the script fails beside it', async (test) => {
    const machine = await host(test, { runner: workUntilTerminated, commands: { rm: 'sleep 0.3; exit 1' } });
    const { reason, log, shutdowns } = await machine.ended;
    expect(reason).toMatch(/^script-error line=\d+$/);
    expect(log).toContain('Job failed: aborted: terminated');
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.unregistered).toEqual([token]);
  });

  it('shuts down when it is asked to end, and lets the runner report its job', async (test) => {
    const machine = await host(test, { runner: workUntilTerminated });
    await machine.hostSays('Checking for jobs... received');
    process.kill(machine.pid, 'SIGTERM');
    const { reason, log, shutdowns } = await machine.ended;
    expect(reason).toBe('terminated job=10 outcome=failed failure=runner_interrupted');
    expect(log).toContain('Job failed: aborted: terminated');
    // The signal comes while the script reads a line, which must not change how it writes one.
    expect(log).toContain('event=stopping reason=terminated\n');
    expect(shutdowns).toHaveLength(1);
  });

  it('is shut down by its guard when the script is killed', async (test) => {
    const machine = await host(test, { runner: takesJobAnd('sleep 4') });
    await machine.runnerSays('received');
    process.kill(machine.pid, 'SIGKILL');
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe('boot-script-gone');
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.memoryFolders()).toEqual([]);
  });

  it.each([
    ['a setting is missing', (script: string) => script.replace(/^deployment=.*\n/m, '')],
    ['the script is damaged', (script: string) => script.replace(/<<<'H4sI.{100}/, "<<<'")],
  ])('is shut down by its guard when %s', async (_what, alter) => {
    const machine = await bootRunnerHost({ alter });
    const { reason, shutdowns } = await machine.ended;
    const unclaimed = machine.table.has(hostName);
    await machine.close();
    expect(reason).toBe('boot-script-gone');
    expect(shutdowns).toEqual(['-h now']);
    expect(unclaimed).toBe(true);
  });

  it('leaves the ticket alone when the disk is full', async (test) => {
    const machine = await host(test, { fileLimitKiB: 32 });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toBe(`disk-full place=${machine.home}`);
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.table.has(hostName)).toBe(true);
  });

  it('runs its job to the end when nothing can be written to its log', async (test) => {
    const machine = await host(test, { logTo: '/dev/full' });
    const { shutdowns } = await machine.ended;
    expect(machine.read('said')).toContain('Job succeeded');
    expect(machine.unregistered).toEqual([]);
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.filesWith(token)).toEqual([]);
  });

  it('notices a job that came while it asked whether EC2 takes the host back', async (test) => {
    const machine = await host(test, {
      runner: `trap 'tell "Job failed: aborted: terminated"; exit 0' TERM
        until [[ -e $records/asked ]]; do sleep 0.05; done
        ${takesJobAnd('while :; do sleep 0.1; done')}`,
      commands: {
        curl: `[[ $* != *instance-action* ]] || { : >$records/asked; sleep 0.5; }\nexec /usr/bin/curl "$@"`,
      },
    });
    machine.interrupt();
    expect((await machine.ended).reason).toBe('spot-interruption job=10 outcome=failed');
    // With the runner GitLab would forget who had the job.
    expect(machine.unregistered).toEqual([]);
  });

  it('removes an idle runner from GitLab when EC2 takes the host back', async (test) => {
    const machine = await host(test, { runner: `tell waiting\ntrap '' TERM\nwhile :; do sleep 0.1; done` });
    await machine.runnerSays('waiting');
    machine.interrupt();
    const { reason, log, shutdowns } = await machine.ended;
    expect(reason).toBe('spot-interruption');
    expect(log).toMatch(/event=unregistered status=204[\s\S]*event=stopping reason=spot-interruption/);
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.filesWith(token)).toEqual([]);
  });

  it('asks a runner that was stopped while it got a job to report it', async (test) => {
    const machine = await host(test, {
      settings: { waitTimeoutSeconds: 1, timings: { longPollSeconds: 1 } },
      runner: `trap ':' TERM
        until [[ -s $records/argv && $(<$records/argv) == *api/v4/runners* ]]; do sleep 0.05; done
        ${takesJobAnd('sleep 3')}\ntell 'Job failed: aborted: terminated'`,
    });
    const { reason } = await machine.ended;
    expect(reason).toBe('no-job job=10 outcome=failed');
  });

  describe('its own log', () => {
    const agent = {
      'amazon-cloudwatch-agent-ctl': 'echo "$@" >$records/agent; cp "$(cut -d: -f2 <<<"$7")" $records/agent.json',
    };

    it('is handed to the agent of its image, after the runner has begun', async (test) => {
      const machine = await host(test, { commands: agent, runner: takesJobAnd('sleep 4\ntell "Job succeeded"') });
      const { reason, shutdowns } = await machine.ended;
      expect(reason).toBe('job-over job=10 outcome=succeeded');
      expect(machine.read('agent')).toMatch(/^-a append-config -m ec2 -s -c file:\/dev\/shm\//);
      const [file] = JSON.parse(machine.read('agent.json')).logs.logs_collected.files.collect_list;
      expect(file).toEqual({
        file_path: '/var/log/cloud-init-output.log',
        log_group_name: 'hosts',
        log_stream_name: `docker/${instanceId}`,
      });
      const commands = machine.read('argv');
      expect(commands.indexOf('amazon-cloudwatch-agent-ctl')).toBeGreaterThan(commands.indexOf('run-single'));
      expect(shutdowns).toEqual(['-h now']);
    });

    it('is handed to it also when the host ends before it has a runner', async (test) => {
      const machine = await host(test, { commands: agent, ticketAfter: null, settings: { claimSeconds: 1 } });
      const { reason, shutdowns } = await machine.ended;
      expect(reason).toBe('no-ticket');
      expect(machine.read('agent')).not.toBe('');
      expect(shutdowns).toEqual(['-h now']);
    });

    it('is not missed by a job when the agent fails', async (test) => {
      const machine = await host(test, {
        commands: { 'amazon-cloudwatch-agent-ctl': 'exit 1' },
        runner: takesJobAnd('sleep 3\ntell "Job succeeded"'),
      });
      const { reason, shutdowns } = await machine.ended;
      expect(machine.read('argv')).toContain('amazon-cloudwatch-agent-ctl');
      expect(reason).toBe('job-over job=10 outcome=succeeded');
      expect(shutdowns).toEqual(['-h now']);
    });
  });

  describe('with private registries', () => {
    const registrySecretArn = `arn:aws:secretsmanager:eu-west-1:000000000000:secret:registries-AbCdEf`;
    const dockerConfig = '{"credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"}}';
    const password = 'bm90LWE6cmVhbC1zZWNyZXQ=';
    const settings = { dockerConfig, registrySecretArn };

    it('of ECR, names the credential helper for them, and asks for no secret', async (test) => {
      const machine = await host(test, { settings: { dockerConfig } });
      await machine.ended;
      expect(JSON.parse(machine.read('docker.json'))).toEqual(JSON.parse(dockerConfig));
      expect(machine.table.secretReads).toEqual([]);
      expect(machine.read('environment')).toMatch(/AWS_ECR_CACHE_DIR=\/dev\/shm\//);
    });

    it('adds what the secret says, and keeps it in memory and out of logs and environments', async (test) => {
      const secret = `{\n  "auths": { "https://registry.test/v1/": { "auth": "${password}" } },\n  "note": "a \\"quote\\" \\\\ \\u00e9"\n}\n`;
      const machine = await host(test, { settings, secrets: { [registrySecretArn]: secret } });
      const { reason, log } = await machine.ended;
      expect(reason).toContain('job-over');
      expect(JSON.parse(machine.read('docker.json'))).toEqual({ ...JSON.parse(dockerConfig), ...JSON.parse(secret) });
      expect(machine.table.secretReads).toEqual([registrySecretArn]);
      expect(machine.filesWith(password)).toEqual([]);
      for (const text of [log, machine.read('argv'), machine.read('environ'), machine.read('environment')]) {
        expect(text).not.toContain(password);
      }
    });

    it.each([
      ['the secret is refused', {}, 'registry-secret-refused'],
      ['the secret is something else', { [registrySecretArn]: `hunter2 ${password}` }, 'registry-secret-unusable'],
      [
        'the secret has no registries',
        { [registrySecretArn]: `{"password":"${password}"}` },
        'registry-secret-unusable',
      ],
    ])('ends without a runner when %s', async (_what, secrets, why) => {
      const machine = await bootRunnerHost({ settings, secrets });
      const { reason, shutdowns, log } = await machine.ended;
      const left = [...machine.filesWith(password), ...machine.filesWith(token)];
      await machine.close();
      expect(reason).toBe(why);
      expect(shutdowns).toEqual(['-h now']);
      expect(machine.read('arguments')).toBe('');
      expect(machine.unregistered).toEqual([token]);
      expect(log).not.toContain(password);
      expect(left).toEqual([]);
    });

    it('tells docker of a mirror beside what the image’s own settings say', async (test) => {
      const machine = await host(test, {
        settings: {
          registryMirror: 'https://mirror.test',
        },
        commands: {
          mkdir: '/usr/bin/mkdir "$@"\n[[ $1 == -m ]] || echo \'{"debug":true}\' >"$2/daemon.json"',
          systemctl: 'echo "$@" >$records/systemctl',
        },
      });
      const { reason } = await machine.ended;
      expect(reason).toContain('job-over');
      expect(JSON.parse(machine.diskFile('etc/docker/daemon.json'))).toEqual({
        debug: true,
        'registry-mirrors': ['https://mirror.test'],
      });
      expect(machine.read('systemctl')).toBe('--no-block try-reload-or-restart docker.service\n');
    });

    it('ends with its ticket unclaimed when docker cannot be told of a mirror', async (test) => {
      const machine = await host(test, {
        settings: { registryMirror: 'https://mirror.test' },
        commands: { systemctl: 'exit 1' },
      });
      expect((await machine.ended).reason).toBe('registry-mirror-failed');
      expect(machine.table.has(hostName)).toBe(true);
    });
  });

  it('trusts the certificates of its GitLab, when it runs jobs and when it removes its runner', async (test) => {
    const caCertificates = '-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n';
    const machine = await host(test, {
      runner: `tell 'no job'`,
      settings: { caCertificates, runnerSettings: { clone_url: 'https://git.test' } },
      commands: {
        curl: `[[ $* != *--cacert* ]] || { for word; do [[ $last != --cacert ]] || cat "$word" >$records/trusted; last=$word; done; exec /usr/bin/curl -q -sS -K - -X DELETE -w 204 "\${@: -1}"; }\nexec /usr/bin/curl "$@"`,
      },
    });
    const { reason } = await machine.ended;
    expect(reason).toBe('no-job');
    const [runner] = parse(machine.read('config.toml')).runners as Record<string, unknown>[];
    expect(runner).toMatchObject({ clone_url: 'https://git.test', 'tls-ca-file': expect.stringMatching(/ca\.pem$/) });
    expect(machine.read('ca.pem')).toBe(`${caCertificates}\n`);
    expect(machine.read('trusted')).toBe(`${caCertificates}\n`);
    expect(machine.unregistered).toEqual([token]);
  });

  it('offers no terminal into its jobs', async (test) => {
    const machine = await host(test);
    await machine.ended;
    expect(parse(machine.read('config.toml'))).not.toHaveProperty('session_server');
  });
});
