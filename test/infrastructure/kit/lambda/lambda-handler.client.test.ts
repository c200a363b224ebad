import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import {
  type LambdaOptions,
  lambdaHandler,
  readEnvironment,
} from '../../../../infrastructure/kit/lambda/lambda-handler.client.ts';

const input = z.object({ jobId: z.int(), name: z.string() });
type Options = LambdaOptions<typeof input, string, unknown>;

let lines: Record<string, unknown>[];
beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(JSON.parse(String(text)));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 1_234 } as Context;
function handlerOf(options: Partial<Options>) {
  const handler = lambdaHandler({ input, ports: () => 'ports', work: async () => 'done', ...options } as Options);
  return async (event: unknown = { jobId: 1, name: 'build' }) => handler(event, context);
}

describe('a Lambda’s handler', () => {
  it('gives the work its checked input, its ports and its invocation', async () => {
    const handle = handlerOf({
      work: async (checked, ports, { remainingMilliseconds }) => ({ checked, ports, left: remainingMilliseconds() }),
    });
    expect(await handle({ jobId: 1, name: 'build', extra: true })).toEqual({
      checked: { jobId: 1, name: 'build' },
      ports: 'ports',
      left: 1_234,
    });
  });

  it('names every fault of an input that is not valid, and does nothing else', async () => {
    const work = vi.fn();
    const handle = handlerOf({ work });
    await expect(handle({ jobId: '1' })).rejects.toMatchObject({
      name: 'InvalidInputError',
      message: expect.stringMatching(/jobId: .*; name: /),
    });
    await expect(handle(null)).rejects.toThrow('(all): ');
    expect(work).not.toHaveBeenCalled();
  });

  it('makes its ports once, at the first event', async () => {
    const ports = vi.fn(async () => 'ports');
    const handle = handlerOf({ ports });
    expect(ports).not.toHaveBeenCalled();
    await Promise.all([handle(), handle()]);
    await handle();
    expect(ports).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('not yet');
      },
    ],
    ['rejects', () => Promise.reject(new Error('not yet'))],
  ])('does not stay broken when making its ports %s once', async (_, fail) => {
    let fails = true;
    const handle = handlerOf({ ports: () => (fails ? fail() : 'ports'), work: async (_input, ports) => ports });
    await expect(handle()).rejects.toThrow('not yet');
    fails = false;
    expect(await handle()).toBe('ports');
  });

  it('lets an error through as it is: the workflow matches on its name', async () => {
    class JobGoneError extends Error {
      override readonly name = 'JobGoneError';
    }
    const error = new JobGoneError('gone');
    const handle = handlerOf({ work: () => Promise.reject(error) });
    await expect(handle()).rejects.toBe(error);
  });

  it('logs one line for the outcome, with the fields of the event', async () => {
    const logFields = ({ jobId }: { jobId: number }) => ({ jobId });
    await handlerOf({ logFields })();
    await handlerOf({ logFields, work: () => Promise.reject(new Error('no')) })().catch(() => {});
    expect(lines).toMatchObject([
      { level: 'info', message: 'done', requestId: 'request-1', jobId: 1, milliseconds: expect.any(Number) },
      { level: 'error', message: 'failed', requestId: 'request-1', jobId: 1, error: { message: 'no' } },
    ]);
  });

  it('logs also that its input or its ports were at fault', async () => {
    await handlerOf({})({ jobId: 'x' }).catch(() => {});
    await handlerOf({ ports: () => Promise.reject(new Error('no table')) })().catch(() => {});
    expect(lines).toMatchObject([
      { level: 'error', message: 'failed', error: { name: 'InvalidInputError' } },
      { level: 'error', message: 'failed', error: { message: 'no table' } },
    ]);
  });
});

describe('the environment', () => {
  const schema = z.object({ TABLE: z.string().check(z.minLength(1)), COUNT: z.coerce.number() });

  it('is read and typed', () => {
    vi.stubEnv('TABLE', 'runners');
    vi.stubEnv('COUNT', '3');
    expect(readEnvironment(schema)).toEqual({ TABLE: 'runners', COUNT: 3 });
  });

  it('that lacks something says everything that it lacks', () => {
    vi.stubEnv('TABLE', '');
    vi.stubEnv('COUNT', 'many');
    expect(() => readEnvironment(schema)).toThrow(/environment is not valid: TABLE: .*; COUNT: /);
    expect(() => readEnvironment(schema)).toThrow(expect.objectContaining({ name: 'InvalidEnvironmentError' }));
  });
});
