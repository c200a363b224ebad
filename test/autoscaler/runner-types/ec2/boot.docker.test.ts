import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { bootRunnerHost, hostName, type RunnerHostOptions, ticket, token } from './runner-host.ts';

async function host(test: TestContext, options: RunnerHostOptions) {
  const machine = await bootRunnerHost(options);
  test.onTestFinished(() => machine.close());
  return machine;
}

async function socketPath(test: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'docker-'));
  test.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'docker.sock');
}

async function listen(test: TestContext, server: Server, where: string | { port: number; host: string }) {
  server.listen(where);
  await once(server, 'listening');
  test.onTestFinished(() => void server.close());
}

/** As a daemon that hangs, or the socket of one that systemd cannot start. */
async function silentDocker(test: TestContext) {
  const path = await socketPath(test);
  await listen(test, createServer(), path);
  return `unix://${path}`;
}

const soon = { timings: { dockerSeconds: 1 } };

describe.concurrent('a host whose jobs run in docker', () => {
  const endsWithoutAJob = async (test: TestContext, dockerHost: string) => {
    const machine = await host(test, { dockerHost, settings: soon });
    const { reason, shutdowns } = await machine.ended;
    expect(reason).toMatch(/^docker-unavailable after=\d+s$/);
    expect(shutdowns).toEqual(['-h now']);
    expect(machine.read('arguments')).toBe('');
    expect(machine.unregistered).toEqual([token]);
    expect(machine.memoryFolders()).toEqual([]);
  };

  it('ends without a job when docker is not there', async (test) =>
    endsWithoutAJob(test, `unix://${await socketPath(test)}`));

  it('ends without a job when docker does not answer', async (test) => endsWithoutAJob(test, await silentDocker(test)));

  it('leaves its ticket alone when it learns that before the ticket comes', async (test) => {
    const dockerHost = `unix://${await socketPath(test)}`;
    const machine = await host(test, { dockerHost, settings: soon, ticketAfter: null });
    expect((await machine.ended).reason).toMatch(/^docker-unavailable /);
    expect(machine.unregistered).toEqual([]);
  });

  it('waits for docker when that starts beside it', async (test) => {
    const path = await socketPath(test);
    const machine = await host(test, { dockerHost: `unix://${path}` });
    await machine.hostSays('event=claimed');
    await sleep(700);
    expect(machine.read('arguments')).toBe('');
    const docker = createHttpServer((_, response) => response.end('OK'));
    await listen(test, docker, path);
    expect((await machine.ended).reason).toBe('job-over job=10 outcome=succeeded');
  });

  it('asks the docker that its runner is told to use, wherever that is', async (test) => {
    const asked: string[] = [];
    const docker = createHttpServer(({ url = '' }, response) => {
      asked.push(url);
      response.end('OK');
    });
    await listen(test, docker, { port: 0, host: '127.0.0.1' });
    const { port } = docker.address() as AddressInfo;
    const machine = await host(test, {
      dockerHost: 'unix:///nowhere',
      settings: { runnerSettings: { docker: { image: 'alpine:3', host: `tcp://127.0.0.1:${port}` } } },
    });
    expect((await machine.ended).reason).toContain('job-over');
    expect(asked).toEqual(['/_ping']);
  });

  it('leaves an address that it cannot ask to the runner', async (test) => {
    const machine = await host(test, { dockerHost: 'ssh://docker.test' });
    expect((await machine.ended).reason).toContain('job-over');
  });

  it('looks after what its boot hook did to docker', async (test) => {
    const path = await socketPath(test);
    const started = `${path}.started`;
    const machine = await host(test, {
      dockerHost: `unix://${path}`,
      settings: { ...soon, bootHook: `until [[ -e ${started} ]]; do sleep 0.1; done` },
    });
    await sleep(1_500);
    await listen(
      test,
      createHttpServer((_, response) => response.end('OK')),
      path,
    );
    await writeFile(started, '');
    expect((await machine.ended).reason).toContain('job-over');
  });

  it('is stopped at once while it waits', async (test) => {
    const machine = await host(test, { dockerHost: await silentDocker(test), ticket: ticket() });
    await machine.hostSays('event=claimed');
    process.kill(machine.pid, 'SIGTERM');
    expect((await machine.ended).reason).toBe('terminated');
    expect(machine.unregistered).toEqual([token]);
    expect(machine.table.has(hostName)).toBe(false);
  });
});

it('a host whose jobs run in a shell needs no docker', async (test) => {
  const machine = await host(test, {
    dockerHost: 'unix:///nowhere',
    settings: { ...soon, executor: 'shell', runnerSettings: {} },
  });
  expect((await machine.ended).reason).toContain('job-over');
});

describe.concurrent('a host that is stopped while its runner prepares a job', () => {
  /** Heeds no signal, as gitlab-runner does not while it pulls an image, until docker is gone. */
  const pulling = `trap '' TERM
    tell 'Checking for jobs... received' ',"job":10'
    until [[ -s $records/systemctl ]]; do sleep 0.1; done
    tell 'Job failed: failed to pull image' ',"failure_reason":"image_pull_failure"'`;
  const systemctl = 'echo "$@" >>$records/systemctl';
  const quick = { timings: { stopGraceSeconds: 6 } };

  it('takes docker away from it, so that it gives up and reports the job', async (test) => {
    const machine = await host(test, {
      runner: pulling,
      commands: { systemctl },
      ownsDocker: true,
      settings: quick,
    });
    await machine.hostSays('Checking for jobs... received');
    machine.interrupt();
    const { reason, log } = await machine.ended;
    expect(reason).toBe('spot-interruption job=10 outcome=failed failure=image_pull_failure');
    expect(log).toMatch(/event=stopping reason=spot-interruption[\s\S]*event=stopping-docker/);
    expect(machine.read('systemctl')).toBe(
      'stop --no-block docker.socket docker.service\nkill --signal KILL docker.service\n',
    );
  });

  it.each([
    ['that is somebody’s', { ownsDocker: false }],
    ['that is elsewhere', { ownsDocker: true, dockerHost: 'ssh://docker.test' }],
  ])('leaves a docker alone %s', async (_what, options) => {
    const machine = await bootRunnerHost({ runner: pulling, commands: { systemctl }, settings: quick, ...options });
    await machine.hostSays('Checking for jobs... received');
    machine.interrupt();
    const { reason } = await machine.ended;
    const asked = machine.read('systemctl');
    await machine.close();
    expect(reason).toBe('spot-interruption job=10 outcome=unknown');
    expect(asked).toBe('');
  });
});
