import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leftOutRecordings } from './left-out-recordings.ts';
import { describeLogLine, type Recording, withLastSentLog, withoutRepeats } from './recording.ts';
import { fixedSystemId, ReplayServer } from './replay-server.ts';
import { bundleForTests, type StandInOptions, scratchFolder, startStandIn } from './stand-in-run.ts';

const recordedFolder = join(import.meta.dirname, 'recorded');
const recordings = readdirSync(recordedFolder).map((file) => {
  const recording = JSON.parse(readFileSync(join(recordedFolder, file), 'utf8')) as Recording;
  return { name: file.slice(0, -'.json'.length), recording };
});

/** Real time that one replay should take; how often something is done per second stays as recorded. */
const replayMs = 4000;
/** Where something must have begun in the shell before a deadline, more real time is needed. */
const slowerScales: Readonly<Record<string, number>> = {
  'gitlab-gone-at-end': 0.3,
  'timeout-job-traps': 0.3,
  'sigterm-job-traps': 0.5,
  'sigterm-twice': 1,
};
/** Here the last signal came 0.1 s before the wait for a job was over; on a busy machine the wait would win. */
const earlierSignals: Readonly<Record<string, number>> = { 'token-rejected': 0.9 };
/** Shorter ones end for other reasons than the passing of time. */
const longWaitMs = 15_000;

let scratch: ReturnType<typeof scratchFolder>;
let bundle: string;

beforeAll(async () => {
  scratch = scratchFolder();
  bundle = await bundleForTests(scratch.path);
});
afterAll(() => scratch.dispose());

describe.concurrent('the stand-in does on the wire and in its log what gitlab-runner 19.3.0 did', () => {
  it.each(recordings)('$name: $recording.what', async ({ name, recording }) => {
    const folder = scratchFolder();
    const scale = slowerScales[name] ?? Math.min(1, replayMs / recording.elapsedMs);
    const config = join(folder.path, 'config.toml');
    const idFile = join(folder.path, '.runner_system_id');
    const server = new ReplayServer(recording, scale, () => {
      if (name === 'env-token-in-config-file') for (const file of [config, idFile]) rmSync(file);
    });
    const url = await server.start();
    const target = name === 'server-down' ? unusedUrl : url;
    if (/-c \S/.test(recording.args)) prepareConfig(name, recording, config, idFile, target);

    const run = startStandIn({ bundle, folder: folder.path, scale, ...invocation(name, recording, target, config) });
    for (const { afterMs, signal } of recording.signals) {
      const after = afterMs * scale * (earlierSignals[name] ?? 1);
      void run.begun.then(() => wait(after)).then(() => run.kill(signal));
    }
    const outcome = await run.ended;
    server.stop();
    folder.dispose();

    const lines = outcome.log.flatMap((line) => describeLogLine(line.replaceAll(target, '{url}')) ?? []);
    const log = withLastSentLog(withoutRepeats(lines));
    const recorded = withLastSentLog(recording.log);
    const compared = recording.logIsBeginning ? log.slice(0, recorded.length) : log;
    expect(server.deviations).toEqual([]);
    expect(compared.map((line) => line.replaceAll(config, '{config}'))).toEqual(recorded);
    expect(outcome).toMatchObject({ exitCode: recording.exitCode, exitSignal: recording.exitSignal });
    if (recording.elapsedMs > longWaitMs) {
      expect(outcome.elapsedMs).toBeGreaterThan(0.8 * scale * recording.elapsedMs);
    }
  });
});

describe('what the conformance test does not cover', () => {
  const titles = Object.entries(leftOutRecordings).map(([name, reason]) => `${name} (${reason})`);

  it(`is this, and nothing is recorded for it: ${titles.join('; ')}`, () => {
    expect(recordings.map(({ name }) => name).filter((name) => name in leftOutRecordings)).toEqual([]);
    expect(recordings).toHaveLength(51);
  });
});

/** Nothing listens on the discard port. */
const unusedUrl = 'http://127.0.0.1:9';

function invocation(
  name: string,
  recording: Recording,
  url: string,
  config: string,
): Pick<StandInOptions, 'args' | 'env' | 'stdinFile'> {
  const args = recording.args
    .split(' ')
    .map((arg) =>
      arg
        .replace('{url}', url)
        .replace('{config}', config)
        .replace('{builds}', `${config}.builds`)
        .replace('{cache}', `${config}.cache`),
    );
  const stdin = name === 'env-token-on-stdin' ? { stdinFile: config } : {};
  const env = name === 'env-token-in-environment' ? { CI_SERVER_TOKEN: 'glrt-fake-one' } : {};
  return { args, env, ...stdin };
}

function prepareConfig(name: string, recording: Recording, config: string, idFile: string, url: string): void {
  const toml = `[[runners]]
name = "one"
url = "${url}"
token = "glrt-fake-one"
executor = "shell"
shell = "bash"
builds_dir = "${config}.builds"
cache_dir = "${config}.cache"
`;
  if (name === 'env-token-in-fifo') {
    execFileSync('mkfifo', [config]);
    void writeFile(config, toml).then(() => rmSync(config));
  } else writeFileSync(config, toml);
  if (recording.exchanges[0]?.body?.system_id === fixedSystemId) writeFileSync(idFile, fixedSystemId);
}
