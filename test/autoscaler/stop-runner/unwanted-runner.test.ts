import { expect, it } from 'vitest';
import { findInterruptedRunner } from '../../../autoscaler/interrupt-runner/find-interrupted-runner.lambda.ts';
import type { RunnerItem } from '../../../autoscaler/runner-store/runner-item.ts';
import { drainRunner } from '../../../autoscaler/stop-runner/drain-runner.lambda.ts';
import { runnerItem, testStart } from '../../support/builders.ts';
import { inMemoryGitLab } from '../../support/in-memory-gitlab.ts';
import { inMemoryRunnersStore } from '../../support/in-memory-runners-store.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

/** What the workflow finds and decides for an unwanted runner on which a job runs. */
async function stop(changes: Partial<RunnerItem>, force: boolean, attempt = 1) {
  const gitlab = inMemoryGitLab();
  const note = { projectId: 7, description: 'd', maintenanceNote: 'n', tags: [], maximumTimeoutSeconds: 600 };
  const { runnerId } = await gitlab.createRunner(note);
  gitlab.setJob({ id: 1, status: 'running', runnerId });
  const item = runnerItem({ state: 'RUNNING', takenJob: 'job#7#1', runnerId, instanceId: 'i-1', ...changes });
  const store = inMemoryRunnersStore(item);
  const ports = { store, gitlab, stateReasonOf: async () => null, now: () => testStart };
  const unwanted = { kind: 'runner-unwanted', projectId: 7, jobId: 1, attempt, reason: 'overdue', force } as const;
  const { runners } = await findInterruptedRunner(unwanted, ports, lambdaContext());
  const [found] = runners;
  return found ? (await drainRunner(found, ports, lambdaContext())).verdict : 'nothing found';
}

it('an unwanted runner ends although a job runs on it, when that is forced', async () => {
  expect(await stop({}, true)).toBe('STOP');
});

it('an unwanted runner keeps its job when nothing is forced', async () => {
  expect(await stop({}, false)).toBe('KEEP');
});

it('a runner of another attempt, or one that has ended, is no longer the unwanted one', async () => {
  expect(await stop({ attempt: 2 }, true)).toBe('nothing found');
  expect(await stop({ state: 'RELEASED' }, true)).toBe('nothing found');
});
