import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { bundleFolderOf } from '../../infrastructure/kit/cdk/bundled-function.construct.ts';
import { fakeToken } from './executions.ts';
import { runInSandbox, whyNoSandbox } from './lambda-sandbox.ts';

const entry = join(import.meta.dirname, '../../lambda-shell-runner/run-job.lambda.ts');

/** Namespaces are a matter of the machine. Where tests must prove something, their absence is a failure. */
function needSandbox(context: TestContext): void {
  const why = whyNoSandbox();
  if (!why) return;
  if (process.env.CI) throw new Error(why);
  context.skip(why);
}

describe('the bundle of the Lambda shell runner', () => {
  it('has no AWS SDK in it, whose loading would delay every job', () => {
    const source = readFileSync(join(bundleFolderOf(entry), 'index.mjs'), 'utf8');
    for (const absent of ['@aws-sdk', '@smithy', 'gitbeaker']) expect(source).not.toContain(absent);
    expect(Buffer.byteLength(source) / 1_024).toBeLessThan(128);
  });

  it('runs jobs in a sandbox like Lambda’s, and leaves their runner to the autoscaler', async (context) => {
    needSandbox(context);
    const { answers, log, runnersInGitLab } = await runInSandbox('id -u; exit 0\n', { events: 2 });
    expect(answers).toEqual([
      { outcome: 'job-succeeded', takenJobId: 10, reported: true },
      { outcome: 'job-succeeded', takenJobId: 10, reported: true },
    ]);
    expect(runnersInGitLab).toEqual([fakeToken]);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const line of lines) expect(line).toMatchObject({ projectId: 123, jobId: 10, runnerId: 7, attempt: 1 });
    expect(log).not.toContain(fakeToken);
  });

  it('gives jobs as few open files as Lambda does, and no shared memory', async (context) => {
    needSandbox(context);
    const { seen } = await runInSandbox(`
      ulimit -n >>/mnt/out/seen
      (: >/dev/shm/word) 2>/dev/null || echo none >>/mnt/out/seen
    `);
    expect(seen).toEqual(['1024', 'none']);
  });

  it('keeps the credentials of the function and the memory of its process from the job', async (context) => {
    needSandbox(context);
    const { answers, log, seen } = await runInSandbox(
      `
      readable=0
      for process in /proc/[0-9]*; do
        if cat "$process/environ" 2>/dev/null | tr '\\0' '\\n' | grep -q '^AWS_'; then readable=$((readable + 1)); fi
        # Whoever may not know a process's program may not read its memory either.
        case "$(readlink "$process/exe" 2>/dev/null)" in */node) readable=$((readable + 1)) ;; esac
      done
      echo "readable $readable" >> /mnt/out/seen
      exit 0
      `,
    );
    expect(answers).toMatchObject([{ outcome: 'job-succeeded' }]);
    expect(seen).toEqual(['readable 0']);
    // Where the sandbox's user had to be mapped to root, the function cannot tell this from its own files.
    if (process.getuid?.() === 0) expect(log).toContain('"credentialsHiddenFromJob":true');
  });

  it('gives the next job an environment without a process or a file of the one before, whatever that did to hide them', async (context) => {
    needSandbox(context);
    const { answers, seen } = await runInSandbox(
      `
      echo "files: $(ls -A /tmp | sed 's/^job-.*/own folder/' | tr '\\n' ' ') strays: $(pgrep -c -x sleep)" >> /mnt/out/seen
      touch /tmp/trace123 /tmp/.hidden
      mkdir -p /tmp/cache/read-only && touch /tmp/cache/read-only/file && chmod -R a-w /tmp/cache
      mkdir -p "$HOME/go/pkg" && touch "$HOME/go/pkg/mod" && chmod 000 "$HOME/go/pkg" "$HOME/go"
      env -i setsid sleep 300 < /dev/null > /dev/null 2>&1 &
      (env -i bash -c 'trap "" TERM HUP; (setsid sleep 300 &) ; sleep 0.1' &)
      sleep 0.3
      exit 0
      `,
      { events: 3 },
    );
    expect(answers).toMatchObject([
      { outcome: 'job-succeeded' },
      { outcome: 'job-succeeded' },
      { outcome: 'job-succeeded' },
    ]);
    expect(seen).toEqual(Array.from({ length: 3 }, () => 'files: own folder  strays: 0'));
  });

  it('cleans up after a function process that crashed in the middle of a job, before it runs another', async (context) => {
    needSandbox(context);
    const { answers, seen } = await runInSandbox(
      `
      echo "files: $(ls -A /tmp | sed 's/^job-.*/own folder/' | tr '\\n' ' ') strays: $(pgrep -c -x sleep)" >> /mnt/out/seen
      touch /tmp/left
      [ "$(wc -l < /mnt/out/seen)" = 1 ] && sleep 300
      exit 0
      `,
      { processes: [2_000, 0] },
    );
    expect(answers).toMatchObject([{ outcome: 'job-succeeded' }]);
    expect(seen).toEqual(['files: own folder  strays: 0', 'files: own folder  strays: 0']);
  });
});
