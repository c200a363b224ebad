import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findGitLabRunner,
  GitLabRunnerNotUsableError,
  writeRunnerFolder,
} from '../../../helper-scripts/local-runner/find-gitlab-runner.process.ts';
import { scratchFolder } from './stand-in-run.ts';

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.dispose());

/** A program that prints what the released one prints. */
function realRunner(version: string): string {
  const folder = join(scratch.path, `bin-${version}`);
  mkdirSync(folder);
  const path = join(folder, 'gitlab-runner');
  writeFileSync(path, `#!/bin/sh\nprintf 'Version:      ${version}\\nGit revision: abc\\n'\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the program that runs jobs', () => {
  it('is the one that GITLAB_RUNNER names', async () => {
    const path = realRunner('19.3.0');
    expect(await findGitLabRunner({ GITLAB_RUNNER: path, PATH: '' })).toEqual({
      kind: 'real',
      path,
      version: '19.3.0',
    });
  });

  it('is otherwise the one on the PATH', async () => {
    const path = realRunner('18.11.2');
    const env = { PATH: `${scratch.path}:${join(path, '..')}` };
    expect(await findGitLabRunner(env)).toEqual({ kind: 'real', path, version: '18.11.2' });
  });

  it('is otherwise the stand-in, also where an earlier run left its shim on the PATH', async () => {
    const standIn = await findGitLabRunner({ PATH: scratch.path });
    expect(standIn).toMatchObject({ kind: 'stand-in', version: '19.3.0' });
    const shim = await writeRunnerFolder(join(scratch.path, 'shim'), standIn);
    expect(await findGitLabRunner({ PATH: join(shim, '..') })).toEqual(standIn);
    expect(await findGitLabRunner({ GITLAB_RUNNER: shim })).toEqual({ ...standIn, path: shim });
  });

  it('is refused when GITLAB_RUNNER names something else', async () => {
    await expect(findGitLabRunner({ GITLAB_RUNNER: '/bin/true' })).rejects.toThrow(GitLabRunnerNotUsableError);
    await expect(findGitLabRunner({ GITLAB_RUNNER: '/nowhere' })).rejects.toThrow(GitLabRunnerNotUsableError);
  });
});

describe('the folder for a PATH', () => {
  it('links to the real program', async () => {
    const path = realRunner('19.3.0');
    const program = await writeRunnerFolder(join(scratch.path, 'folder'), { kind: 'real', path, version: '19.3.0' });
    expect(readlinkSync(program)).toBe(path);
  });

  it('starts the stand-in, which needs nothing from its surroundings', async () => {
    const folder = join(scratch.path, "a folder with 'quotes' and spaces");
    const standIn = await findGitLabRunner({ PATH: '' });
    await writeRunnerFolder(folder, standIn);
    const program = await writeRunnerFolder(folder, standIn);
    const text = execFileSync(program, ['--version'], { encoding: 'utf8', env: {}, cwd: '/' });
    expect(text).toMatch(/^Version: {6}19\.3\.0$/m);
    expect(text).toContain('stand-in');
  });
});
