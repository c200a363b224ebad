import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findGitLabRunner, writeRunnerFolder } from '../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { commandOf } from './component-commands.ts';

/** Put first on the PATH: the stand-in, since a real one might find a real docker here. */
let runnerFolder = '';
beforeAll(async () => {
  runnerFolder = mkdtempSync(join(tmpdir(), 'check-jobs-runner-'));
  await writeRunnerFolder(runnerFolder, await findGitLabRunner({ PATH: '' }));
});
afterAll(() => rmSync(runnerFolder, { recursive: true, force: true }));

/** Runs the test phase as Image Builder gives it to bash. */
async function checkJobs(executors: string, gitlabRunner?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'check-jobs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  if (gitlabRunner !== undefined) {
    writeFileSync(join(folder, 'gitlab-runner'), gitlabRunner);
    chmodSync(join(folder, 'gitlab-runner'), 0o755);
  }
  const path = [folder, runnerFolder, process.env.PATH].join(':');
  const env = { ...process.env, PATH: path, TMPDIR: temporary };
  const command = commandOf('jobs', 'test', { executors });
  const { status, stdout, stderr } = await new Promise<{ status: unknown; stdout: string; stderr: string }>(
    (resolve) => {
      execFile('bash', ['-c', command], { env }, (error, stdout, stderr) => {
        resolve({ status: error ? error.code : 0, stdout, stderr });
      });
    },
  );
  return { status, stdout, stderr, left: readdirSync(temporary) };
}

describe('the test of an image', () => {
  it('succeeds when gitlab-runner runs a job of the stub, and leaves nothing', async () => {
    const { status, stdout, left } = await checkJobs('shell');
    expect(stdout).toContain('shell: the job succeeded');
    expect(status).toBe(0);
    expect(left).toEqual([]);
  });

  it('fails when a job of the docker executor ran on the host', async () => {
    // The stand-in has no containers: it runs such a job on the host, as a broken image might.
    const { status, stderr, left } = await checkJobs('shell docker');
    expect(status).toBe(1);
    expect(stderr).toContain("docker: the job's state is failed");
    expect(left).toEqual([]);
  });

  it('fails when the runner takes no job, dies or says that it succeeded without having run it', async () => {
    const idle = await checkJobs('shell', '#!/bin/bash\nexit 0\n');
    expect(idle).toMatchObject({ status: 1, left: [] });
    expect(idle.stderr).toContain("shell: the job's state is none");
    expect(await checkJobs('shell', '#!/bin/bash\nkill -KILL $$\n')).toMatchObject({ status: 1, left: [] });
    const liar = `#!/bin/bash
url=$(sed -n 's/^url = "\\(.*\\)"/\\1/p' "$5")
curl -s -X POST "$url/api/v4/jobs/request" --data '{}' >/dev/null
curl -s -X PUT "$url/api/v4/jobs/1" --data '{"state":"success"}'
`;
    const { status, stderr } = await checkJobs('shell', liar);
    expect(stderr).toContain("the job's state is success");
    expect(status).toBe(1);
  });
});
