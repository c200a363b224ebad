import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runnerSentences, sentenceOf } from '../../../infrastructure/gitlab-runner/runner-log-sentences.ts';
import { linesOfRecordedRunnerLog, recordedRunnerLogNames } from './recorded-runner-logs.ts';

const messagesOf = (name: Parameters<typeof linesOfRecordedRunnerLog>[0]) =>
  linesOfRecordedRunnerLog(name).map((line) => String((JSON.parse(line) as { msg: unknown }).msg));

describe('a sentence of gitlab-runner’s log', () => {
  it.each(Object.entries(runnerSentences))('is in the recording that it names: %s', (name, { says, seenIn }) => {
    expect(messagesOf(seenIn).filter((message) => message.startsWith(says))).not.toEqual([]);
    expect(sentenceOf(`${says} and more`)).toBe(name);
  });

  it('is on the list wherever the recordings speak of jobs and of GitLab’s answers', () => {
    const spoken = /^(Checking for jobs|Submitting job|Job |Runner is not)/;
    const unknown = recordedRunnerLogNames
      .flatMap(messagesOf)
      .filter((message) => spoken.test(message) && sentenceOf(message) === undefined);
    expect(unknown).toEqual([]);
  });
});

it('every recorded log has its text, and every text its log', () => {
  const files = readdirSync(join(import.meta.dirname, 'recorded-runner-logs')).map((file) =>
    file.replace('.jsonl', ''),
  );
  expect(files.sort()).toEqual([...recordedRunnerLogNames].sort());
});
