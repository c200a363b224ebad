import { expect, it } from 'vitest';
import { jobHook, type World } from '../world.ts';

const wrongSigningToken = `whsec_${Buffer.from('not-the-signing-token-of-anyone!').toString('base64')}`;

export function authenticity(world: () => World): void {
  it('refuses a wrong signature, a stale timestamp and a wrong token, and starts nothing', async () => {
    const { gitlab, webhookUrl } = world().run;
    const drop = gitlab.faults.addWebhook({ statuses: ['pending'], effect: { kind: 'drop' } });
    const [job] = world().startPipeline('not asked for: { tags: [aws], script: [echo never] }');
    if (!job) throw new Error('the pipeline has no job');
    const hook = jobHook(job, 'pending');

    expect((await world().sendHook(hook, { secret: wrongSigningToken })).status).toBe(401);
    expect((await world().sendHook(hook, { timestamp: Math.floor(Date.now() / 1_000) - 600 })).status).toBe(401);
    const withToken = (token: string) =>
      fetch(webhookUrl, { method: 'POST', headers: { 'x-gitlab-token': token }, body: JSON.stringify(hook) });
    expect((await withToken('not-the-token')).status).toBe(401);
    expect((await fetch(webhookUrl, { method: 'POST', body: JSON.stringify(hook) })).status).toBe(401);
    expect(await world().itemOf(job)).toBeUndefined();

    // The right token is taken where there is no signature: it is the secret that makes the difference.
    expect((await withToken((await world().webhookSecret()).token)).status).toBe(202);
    await world().untilOver(job);
    gitlab.faults.clear(drop);
    await world().untilNothingIsLeft();
  });

  it('says 400 to what is authentic but no JSON, at the address of older hooks as well', async () => {
    const { token } = await world().webhookSecret();
    const headers = { 'x-gitlab-token': token };
    const { webhookUrl } = world().run;
    for (const url of [webhookUrl, webhookUrl.replace(/\/[^/]+$/, '')]) {
      const answer = await fetch(url, { method: 'POST', headers, body: '{"build_id": ' });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(/JSON/);
    }
  });
}
