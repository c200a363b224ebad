import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { leftOutRecordings } from './left-out-recordings.ts';
import { describeLogLine, jobPlaceholder, type RecordedExchange, type Recording, withoutRepeats } from './recording.ts';

/**
 * Makes `recorded/*.json` from full recordings of the released binary: `node distil-recordings.command.ts FOLDER`.
 * Keeps only what the conformance test compares, with other tokens and addresses. Format the result with biome.
 */

const text = z.string();
const rawExchange = z.object({
  atMs: z.number(),
  method: text,
  path: text,
  requestHeaders: z.record(text, text),
  requestBody: z.unknown().optional(),
  status: z.number().nullish(),
  responseHeaders: z.record(text, text).optional(),
  responseBody: z.unknown().optional(),
  tookMs: z.number().optional(),
});
const rawRecording = z.object({
  about: z.object({
    what: text,
    args: text,
    exitCode: z.number().nullable(),
    exitSignal: text.nullable(),
    elapsedMs: z.number(),
    signalsSent: z.array(z.object({ atMs: z.number(), signal: text })).optional(),
    exchangesLeftOut: z.number().optional(),
    runnerLog: z.array(text).optional(),
  }),
  exchanges: z.array(rawExchange),
});
const rawJob = z.object({
  id: z.number(),
  runner_info: z.object({ timeout: z.number() }),
  steps: z.array(
    z.object({ name: text, script: z.array(text), timeout: z.number(), when: text, allow_failure: z.boolean() }),
  ),
  features: z.object({ failure_reasons: z.array(text) }),
});
type RawExchange = z.infer<typeof rawExchange>;

const droppedHeaders = new Set(['user-agent', 'x-request-id', 'content-length', 'x-gitaly-correlation-id']);
/** More exchanges than this were left out only where the log was cut too. */
const longestKeptTail = 10;
const keptLinesOfCutLog = 9;

function distil(name: string, source: string): Recording {
  const { about, exchanges } = rawRecording.parse(JSON.parse(rename(source)));
  const handedOut = exchanges.find((exchange) => exchange.status === 201 && exchange.path.endsWith('/jobs/request'));
  const job = rawJob.safeParse(handedOut?.responseBody).data;
  const firstAtMs = exchanges[0]?.atMs ?? 0;
  const probe = ['env | cut -d= -f1 | sort | tr "\\n" " "; echo', 'tr "\\0" " " < /proc/$PPID/cmdline; echo'];
  return {
    what: about.what,
    args: about.args,
    signals: (about.signalsSent ?? []).map(({ atMs, signal }) => ({
      afterMs: atMs - firstAtMs,
      signal: (signal.split(' ')[0] ?? '') as NodeJS.Signals,
    })),
    exitCode: about.exitCode,
    exitSignal: about.exitSignal,
    elapsedMs: about.elapsedMs,
    ...distilLog(about.runnerLog ?? [], (about.exchangesLeftOut ?? 0) > longestKeptTail),
    job:
      job === undefined
        ? null
        : {
            id: job.id,
            timeoutSeconds: job.runner_info.timeout,
            // The originals print the environment of the machine on which they were recorded.
            steps: name.startsWith('env-') ? job.steps.map((step) => ({ ...step, script: probe })) : job.steps,
            failureReasons: job.features.failure_reasons,
          },
    exchanges: joinRepeats(exchanges.map(distilExchange), about.exchangesLeftOut ?? 0),
  };
}

/** The recordings' tokens, addresses and paths become ours. */
function rename(source: string): string {
  return source
    .replaceAll('glrt-test', 'glrt-fake-one')
    .replaceAll('glrt-secret', 'glrt-fake-one')
    .replaceAll('glcbt-job-token', 'glcbt-fake-job')
    .replaceAll('with token test ', 'with token fake-one ')
    .replaceAll('with token secret ', 'with token fake-one ')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, '{url}')
    .replaceAll('/mnt/conf/config.toml', '{config}')
    .replace(/--builds-dir \S+?(?= |")/g, '--builds-dir {builds}')
    .replace(/--cache-dir \S+?(?= |")/g, '--cache-dir {cache}');
}

function distilExchange(exchange: RawExchange): RecordedExchange {
  const handsOutJob = exchange.status === 201 && rawJob.safeParse(exchange.responseBody).success;
  const headers = Object.entries(exchange.requestHeaders).filter(([name]) => !droppedHeaders.has(name));
  const answerHeaders = Object.entries(exchange.responseHeaders ?? {}).filter(([name]) => name !== 'X-Request-Id');
  const body = z.record(text, z.unknown()).safeParse(exchange.requestBody).data ?? null;
  return {
    method: exchange.method,
    path: exchange.path,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, name === 'content-range' ? '{range}' : value])),
    body: body === null ? null : withoutChecksums(body),
    times: { least: 1, most: 1 },
    answer: {
      status: exchange.status ?? null,
      headers: Object.fromEntries(answerHeaders.filter(([name]) => name !== 'Range')),
      // What is answered to a piece of the log is how much there is now.
      body: handsOutJob ? jobPlaceholder : exchange.method === 'PATCH' ? null : (exchange.responseBody ?? null),
      afterMs: (exchange.tookMs ?? 0) > 1000 ? (exchange.tookMs ?? 0) : 0,
    },
  };
}

/** A checksum differs with every time stamp in a log; the test computes the right one. */
function withoutChecksums({ info: _info, ...body }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (typeof body.output !== 'object' || body.output === null) return body;
  const output = Object.fromEntries(Object.keys(body.output).map((key) => [key, `{${key}}`]));
  return { ...body, output, ...('checksum' in body ? { checksum: '{checksum}' } : {}) };
}

/** How often something is sent depends on seconds; whether it is sent does not. */
function joinRepeats(exchanges: readonly RecordedExchange[], leftOut: number): readonly RecordedExchange[] {
  const joined: { exchange: RecordedExchange; count: number }[] = [];
  for (const exchange of exchanges) {
    const last = joined.at(-1);
    if (last !== undefined && sameExchange(last.exchange, exchange)) last.count += 1;
    else joined.push({ exchange, count: 1 });
  }
  const final = joined.at(-1);
  if (final !== undefined) final.count += leftOut;
  return joined.map(({ exchange, count }) => ({ ...exchange, times: allowedTimes(exchange, count) }));
}

function sameExchange(a: RecordedExchange, b: RecordedExchange): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function allowedTimes({ method, answer }: RecordedExchange, count: number): RecordedExchange['times'] {
  if (method === 'PATCH') return { least: 1, most: 10 * count };
  if (count <= 2) return { least: count, most: count };
  // Jittered repetition of a call that is answered 5xx: five in a row at least.
  if (answer.status === 500) return { least: 5, most: 3 * count };
  return { least: count - 1, most: count + 1 };
}

/** A panic of the Go program is told apart by its exit code alone; very long logs were cut when they were recorded. */
function distilLog(lines: readonly string[], isCut: boolean): Pick<Recording, 'log' | 'logIsBeginning'> {
  const contents = lines.map((line) => line.replace(/^\[ *\d+\] /, ''));
  const panic = contents.findIndex((line) => line.startsWith('panic'));
  const described = contents.slice(0, panic < 0 ? undefined : panic).flatMap((line) => describeLogLine(line) ?? []);
  const log = withoutRepeats(described);
  return { log: isCut ? log.slice(0, keptLinesOfCutLog) : log, logIsBeginning: isCut || panic >= 0 };
}

const [source = ''] = process.argv.slice(2);
for (const file of readdirSync(source).filter(
  (name) => name.endsWith('.json') && !(name.slice(0, -5) in leftOutRecordings),
)) {
  const recording = distil(file, readFileSync(join(source, file), 'utf8'));
  writeFileSync(join(import.meta.dirname, 'recorded', file), `${JSON.stringify(recording)}\n`);
}
