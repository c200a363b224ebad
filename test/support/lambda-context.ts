import type { LambdaContext } from '../../infrastructure/kit/lambda/lambda-handler.client.ts';
import { createLog } from '../../infrastructure/kit/lambda/log.ts';
import { testStart } from './builders.ts';

export type LogLine = { readonly level: string; readonly message: string; readonly [field: string]: unknown };

/** What a Lambda's work may know of its invocation, with a log that keeps its lines. */
export function lambdaContext(): LambdaContext & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const log = createLog(
    (line) => lines.push(JSON.parse(line)),
    () => testStart,
  );
  return { log, lines, remainingMilliseconds: () => 30_000 };
}
