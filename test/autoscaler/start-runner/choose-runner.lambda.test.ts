import { describe, expect, it } from 'vitest';
import type { JobMapping } from '../../../autoscaler/job-mappings/job-mapping.ts';
import { chooseRunner } from '../../../autoscaler/start-runner/choose-runner.lambda.ts';
import type { Offer } from '../../../autoscaler/start-runner/choose-runner.ts';
import type { GitLabJob } from '../../../infrastructure/lib/gitlab.client.ts';
import { gitlabJob, jobMapping, pendingJob } from '../../support/builders.ts';
import { lambdaContext } from '../../support/lambda-context.ts';

type Given = {
  readonly mappings?: readonly JobMapping[];
  readonly invalid?: readonly { readonly id: string; readonly faults: readonly string[] }[];
  readonly job?: GitLabJob | null;
  readonly offer?: Partial<Offer>;
};

async function choose({ mappings = [jobMapping()], invalid = [], job = gitlabJob(), offer = {} }: Given = {}) {
  const context = lambdaContext();
  const asked: (readonly [number, number])[] = [];
  const ports = {
    gitlab: {
      async readJob(projectId: number, jobId: number) {
        asked.push([projectId, jobId]);
        return job;
      },
    },
    mappings: { read: async () => ({ mappings, invalid }) },
    offer: {
      profiles: { default: { type: 'EC2', timeoutMinutes: 60 } },
      defaultRunner: { type: 'IGNORE' },
      ...offer,
    } as const,
  };
  return { decision: await chooseRunner(pendingJob(), ports, context), asked, lines: context.lines };
}

describe('chooseRunner', () => {
  it('routes a pending job by its tags, which only GitLab knows', async () => {
    const { decision, asked } = await choose({
      mappings: [jobMapping({ tags: ['docker'] })],
      job: gitlabJob({ tags: ['docker'] }),
    });
    expect(decision).toMatchObject({ decision: 'LAUNCH', choice: { profile: 'default', tags: ['docker'] } });
    expect(asked).toEqual([[7, 1]]);
  });

  it('leaves a job alone whose tags fit no mapping', async () => {
    const { decision } = await choose({ mappings: [jobMapping({ tags: ['docker'] })] });
    expect(decision).toMatchObject({ decision: 'IGNORE' });
  });

  it('does not ask GitLab about a job that no mapping names', async () => {
    const { decision, asked } = await choose({ mappings: [jobMapping({ jobName: 'deploy' })] });
    expect(decision).toEqual({ decision: 'IGNORE', reason: 'no mapping names the job' });
    expect(asked).toEqual([]);
  });

  it('leaves a job alone that GitLab does not know any more', async () => {
    expect((await choose({ job: null })).decision).toMatchObject({ decision: 'IGNORE', reason: /does not exist/ });
  });

  it.each(['running', 'success', 'failed', 'canceling', 'canceled', 'skipped'])(
    'leaves a job alone that is %s by now',
    async (status) => {
      const { decision } = await choose({ job: gitlabJob({ status }) });
      expect(decision).toEqual({ decision: 'IGNORE', reason: `the job is ${status}` });
    },
  );

  it.each(['created', 'waiting_for_resource', 'waiting_for_callback', 'preparing', 'scheduled', 'manual'])(
    'asks again later when GitLab still says %s, since its answer lags behind its hook',
    async (status) => {
      await expect(choose({ job: gitlabJob({ status }) })).rejects.toMatchObject({ name: 'JobNotYetPendingError' });
    },
  );

  it('skips rows that cannot be read, names them in the log, and routes by the others', async () => {
    const row = { id: 'job#x tags#', faults: ['type: Invalid option'] };
    const { decision, lines } = await choose({ invalid: [row] });
    expect(decision).toMatchObject({ decision: 'LAUNCH' });
    expect(lines).toContainEqual(
      expect.objectContaining({ rows: [{ mapping: row.id, faults: row.faults }], InvalidMappings: 1 }),
    );
  });

  it('says in the log what was chosen, or why not', async () => {
    expect((await choose()).lines).toContainEqual(expect.objectContaining({ profile: 'default', type: 'EC2' }));
    expect((await choose({ job: null })).lines).toContainEqual(
      expect.objectContaining({ message: 'job ignored', reason: expect.stringContaining('does not exist') }),
    );
  });

  it('refuses a mapping to what was not deployed', async () => {
    const mappings = [jobMapping({ target: { type: 'EC2', profile: 'huge' } })];
    await expect(choose({ mappings })).rejects.toMatchObject({ name: 'MappingNotAllowedError' });
  });
});
