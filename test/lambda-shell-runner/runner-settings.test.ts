import { join } from 'node:path';
import { parse } from 'smol-toml';
import { expect, it } from 'vitest';
import { fakeToken, RunnerMachine } from './executions.ts';

it('gitlab-runner is told what the profile says, the job sees nothing of it in its environment', async (test) => {
  const machine = new RunnerMachine({
    answers: [{ kind: 'job', jobId: 10 }],
    jobScript: 'env >"$PWD/../../../seen"\n',
  });
  test.onTestFinished(() => machine.remove());
  const RUNNER_SETTINGS = JSON.stringify({
    environment: ['LEVEL=high'],
    output_limit: 5,
    token: 'not-the-runners',
    feature_flags: { FF_SCRIPT_SECTIONS: true },
  });
  const PATH = `${join(machine.folder, 'bin')}:${process.env.PATH}`;
  const outcome = await machine.execute({ ports: { environment: { PATH, RUNNER_SETTINGS } } });
  expect(outcome).toMatchObject({ outcome: 'job-succeeded' });
  const { runners } = parse(machine.notes.config) as unknown as { runners: Record<string, unknown>[] };
  expect(runners).toEqual([
    expect.objectContaining({
      executor: 'shell',
      token: fakeToken,
      environment: ['LEVEL=high'],
      output_limit: 5,
      feature_flags: { FF_SCRIPT_SECTIONS: true },
    }),
  ]);
  expect(machine.read('seen')).toContain('PATH=');
  expect(machine.read('seen')).not.toContain('RUNNER_SETTINGS');
});
