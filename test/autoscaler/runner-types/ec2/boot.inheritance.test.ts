import { execFileSync } from 'node:child_process';
import { expect, it, type TestContext } from 'vitest';
import { bootRunnerHost } from './runner-host.ts';

const says = (what: string, command: string) => `{ ${command}; } >$records/${what} 2>&1\n`;
/** What a process sees of itself that it got from whoever started it. */
const looksAtItself = [
  says('umask', 'umask'),
  says('signals', 'grep -E "^Sig(Ign|Blk)" /proc/self/status'),
  says('traps', 'trap -p'),
  says('descriptors', 'ls /proc/self/fd'),
  says('limits', 'ulimit -a'),
  says('options', 'echo "$SHELLOPTS $BASHOPTS"; env | grep -E "^(SHELLOPTS|BASHOPTS|BASH_ENV|IFS|BASH_FUNC)"'),
].join('');
/** What a process that nobody has meddled with sees here. */
const plain = (command: string) =>
  execFileSync('bash', ['-c', command], { encoding: 'utf8', env: { PATH: '/bin' }, stdio: ['ignore', 'pipe', 'pipe'] });

async function host(test: TestContext, alter: (userData: string) => string = (userData) => userData) {
  const machine = await bootRunnerHost({
    alter,
    settings: { executor: 'shell', runnerSettings: {} },
    runner: `${looksAtItself}
      tell 'Checking for jobs... received' ',"job":10'
      tell '  two  blanks  '
      tell 'Job succeeded'`,
  });
  test.onTestFinished(() => machine.close());
  return { machine, ...(await machine.ended) };
}

it('starts the runner as a service manager would: none of its own settings reaches jobs', async (test) => {
  const { machine, reason } = await host(test);
  expect(reason).toBe('job-over job=10 outcome=succeeded');
  expect(machine.read('umask')).toBe('0022\n');
  // SIGINT is ignored until the runner listens to it; jobs have it as ever (boot.gitlab.test.ts).
  expect(machine.read('signals')).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000002\n');
  expect(machine.read('traps')).toBe("trap -- '' SIGINT\n");
  expect(machine.read('descriptors')).toBe(plain('ls /proc/self/fd'));
  expect(machine.read('limits')).toBe(plain('ulimit -a'));
  expect(machine.read('options')).toBe(plain('echo "$SHELLOPTS $BASHOPTS"'));
});

it('keeps from jobs also what the boot script itself was started with: exported shell options', async (test) => {
  const exported = (userData: string) => userData.replace('\n', '\nexport SHELLOPTS BASHOPTS BASH_ENV=/dev/null\n');
  const { machine } = await host(test, exported);
  expect(machine.read('options')).toBe(plain('echo "$SHELLOPTS $BASHOPTS"'));
});

it('keeps its own files private', async (test) => {
  const { machine } = await host(test);
  expect(machine.read('mode')).toBe('600\n');
});

it('repeats the runner’s log as it is, blanks included', async (test) => {
  const { log } = await host(test);
  expect(log).toContain('"msg":"  two  blanks  "');
});
