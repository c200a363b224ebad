import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gitlabUnderTest, registerRunner } from '../local-gitlab/gitlab-under-test.ts';
import { bundleForTests, scratchFolder, startStandIn } from './stand-in-run.ts';

let scratch: ReturnType<typeof scratchFolder>;
let bundle: string;
let repository: { readonly url: string; readonly sha: string; stop(): void };

beforeAll(async () => {
  scratch = scratchFolder();
  bundle = await bundleForTests(scratch.path);
  repository = await serveRepository(join(scratch.path, 'repository'));
});
afterAll(() => {
  repository.stop();
  scratch.dispose();
});

/** A repository with one commit, served as plain files: git's "dumb" protocol. */
async function serveRepository(folder: string) {
  mkdirSync(folder);
  writeFileSync(join(folder, 'README.md'), 'read me\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch', 'main');
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
  git('update-server-info');
  const sha = git('rev-parse', 'HEAD').trim();
  const served = join(folder, '..', 'served');
  cpSync(join(folder, '.git'), served, { recursive: true });
  const server = http.createServer((request, response) => {
    const path = join(
      served,
      decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname.replace('/group/app.git', '')),
    );
    const exists = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    response.writeHead(exists ? 200 : 404).end(exists ? readFileSync(path) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/group/app.git`;
  return {
    url,
    sha,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A GitLab whose one job clones; its own projects have no repository, so the offer is changed on its way. */
async function runCloningJob(strategy: string, url: string, sha: string) {
  const gitlab = await gitlabUnderTest();
  const project = gitlab.createProject('group/app');
  const runner = await registerRunner(gitlab, project.id);
  gitlab.createPipeline(project.id, `job: { script: 'cat README.md', variables: { GIT_STRATEGY: ${strategy} } }`);
  const proxy = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { host: _host, connection: _connection, ...headers } = request.headers as Record<string, string>;
    const answer = await fetch(`${gitlab.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers,
      body: Buffer.concat(chunks),
    });
    const text = await answer.text();
    const isJob = answer.status === 201;
    const offer = isJob ? (JSON.parse(text) as { git_info: object }) : undefined;
    const git_info = { ...offer?.git_info, repo_url: url, sha, depth: 0 };
    response.writeHead(
      answer.status,
      Object.fromEntries([...answer.headers].filter(([name]) => name !== 'content-length')),
    );
    response.end(offer === undefined ? text : JSON.stringify({ ...offer, git_info }));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const folder = join(scratch.path, strategy + sha.slice(0, 4));
  mkdirSync(folder);
  const flags = ['--url', proxyUrl, '--token', runner.token, '--executor', 'shell', '--builds-dir', `${folder}/builds`];
  await startStandIn({ bundle, folder, args: ['run-single', ...flags, '--max-builds', '1'] }).ended;
  proxy.closeAllConnections();
  proxy.close();
  const [job] = gitlab.jobs();
  return { job, trace: gitlab.jobTrace(job?.id ?? 0) };
}

describe('the sources of a job', () => {
  it.each(['clone', 'fetch'])('are fetched with git when GIT_STRATEGY is %s', async (strategy) => {
    const { job, trace } = await runCloningJob(strategy, repository.url, repository.sha);
    expect(trace).toContain(`Checking out ${repository.sha.slice(0, 8)} as detached HEAD (ref is main)`);
    expect(trace).toContain('read me');
    expect(job?.status).toBe('success');
  });

  it('that cannot be had fail the job, as a commit that does not exist', async () => {
    const { job, trace } = await runCloningJob('fetch', repository.url, 'f'.repeat(40));
    expect(trace).not.toContain('$ cat README.md');
    expect(job).toMatchObject({ status: 'failed', failureReason: 'script_failure' });
  });
});
