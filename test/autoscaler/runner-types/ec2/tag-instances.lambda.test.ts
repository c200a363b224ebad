import { describe, expect, it } from 'vitest';
import type { InstanceTagger } from '../../../../autoscaler/runner-types/ec2/instance-tagger.client.ts';
import { jobTagKeys, jobTagsOf } from '../../../../autoscaler/runner-types/ec2/instance-tags.ts';
import { pauseMilliseconds, tagInstances } from '../../../../autoscaler/runner-types/ec2/tag-instances.lambda.ts';
import { pendingJob } from '../../../support/builders.ts';
import { lambdaContext } from '../../../support/lambda-context.ts';

const message = (...ids: readonly string[]) => ({
  body: JSON.stringify({ instances: ids.map((instanceId) => ({ instanceId, tags: { job: instanceId.slice(2) } })) }),
});

/** Tags on a clock that only the pauses move; `refuse` says which instances EC2 does not tag. */
async function tagAll(refuse: (instanceId: string) => boolean, ...bodies: readonly { readonly body: string }[]) {
  const tagged: { at: number; instanceId: string; tags: object }[] = [];
  const context = lambdaContext();
  let at = 0;
  const tagger: InstanceTagger = {
    async tag(instanceId, tags) {
      if (refuse(instanceId)) throw Object.assign(new Error('not there'), { name: 'InvalidInstanceID.NotFound' });
      tagged.push({ at, instanceId, tags });
    },
  };
  const sleep = async (milliseconds: number) => {
    at += milliseconds;
  };
  await tagInstances({ Records: [...bodies] }, { tagger, sleep }, context);
  return { tagged, at, lines: context.lines };
}

describe('tagInstances', () => {
  it('gives each instance its own tags, one after the other', async () => {
    const { tagged } = await tagAll(() => false, message('i-1', 'i-2'), message('i-3'));
    expect(tagged).toEqual([
      { at: 0, instanceId: 'i-1', tags: { job: '1' } },
      { at: pauseMilliseconds, instanceId: 'i-2', tags: { job: '2' } },
      { at: 2 * pauseMilliseconds, instanceId: 'i-3', tags: { job: '3' } },
    ]);
  });

  it('leaves an instance that cannot be tagged, says so, and goes on at the same pace', async () => {
    const { tagged, lines } = await tagAll((id) => id === 'i-1', message('i-1', 'i-2'));
    expect(tagged.map(({ at, instanceId }) => [at, instanceId])).toEqual([[pauseMilliseconds, 'i-2']]);
    expect(lines).toMatchObject([{ level: 'warn', message: 'instance not tagged', instanceId: 'i-1' }]);
  });

  it('has time for a whole launch of ten in one run, with a lot to spare', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `i-${index}`);
    const { at } = await tagAll(() => false, message(...ids));
    expect(at).toBeLessThanOrEqual(10_000);
  });
});

describe('jobTagsOf', () => {
  it('names project, pipeline and job', () => {
    expect(jobTagsOf(pendingJob({ jobId: 3 }))).toEqual({
      'gitlab-runners-on-demand:project': 'group/project',
      'gitlab-runners-on-demand:pipeline': '50',
      'gitlab-runners-on-demand:job': '3',
    });
  });

  it('names the project by its id, and no pipeline, where the event knows no more', () => {
    expect(jobTagsOf(pendingJob({ projectPath: null, pipelineId: null }))).toEqual({
      'gitlab-runners-on-demand:project': '7',
      'gitlab-runners-on-demand:job': '1',
    });
  });

  it('says nothing that EC2 refuses in a tag', () => {
    const tags = jobTagsOf(pendingJob({ projectPath: `gröup/${'p'.repeat(300)}?&` }));
    expect(Object.keys(tags).every((key) => jobTagKeys.includes(key as never))).toBe(true);
    for (const value of Object.values(tags)) expect(value).toMatch(/^[\p{L}\p{N} _.:/=+@-]{1,256}$/u);
    expect(jobTagsOf(pendingJob({ projectPath: 'a/b?c' }))).toMatchObject({
      'gitlab-runners-on-demand:project': 'a/b_c',
    });
  });
});
