import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm } from '../../../helper-scripts/cli/confirm.client.ts';

/** A terminal at which somebody types this, or a file with it. */
function typed(text: string, isTTY: boolean) {
  const [input, output] = [Object.assign(new PassThrough(), { isTTY }), new PassThrough()];
  input.end(text);
  const said = () => String(output.read() ?? '');
  return { streams: { input, output } as never, said };
}

describe('a question before something that cannot be undone', () => {
  it.each(['y\n', 'yes\n', ' Y \n'])('is answered with yes by %j', async (text) => {
    const { streams, said } = typed(text, true);
    await confirm('it cuts off every hook', streams);
    expect(said()).toContain('it cuts off every hook. Go on? [y/N]');
  });

  it.each(['\n', 'n\n', 'yesterday\n'])('is answered with no by %j', async (text) => {
    await expect(confirm('it cuts', typed(text, true).streams)).rejects.toThrow('Not done');
  });

  it('is no question where nobody can answer: refused, with what to do', async () => {
    await expect(confirm('it cuts', typed('y\n', false).streams)).rejects.toThrow(/^Not done: it cuts\. Give --yes/);
  });
});
