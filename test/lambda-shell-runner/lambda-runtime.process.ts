import { appendFileSync, readFileSync } from 'node:fs';
import type { Context } from 'aws-lambda';

/*
 * Stands in for Lambda's Node.js runtime: loads the function's bundle from `/var/task` and gives it one event after the
 * other, in the same process. Arguments: a file with the events, a file for the answers, and after how many
 * milliseconds it "crashes" (0: never).
 */

const [eventsFile = '', answersFile = '', crashAfter = '0'] = process.argv.slice(2);
const timeoutMilliseconds = 60_000;

const { handler } = (await import('/var/task/index.mjs' as string)) as {
  handler: (event: unknown, context: Partial<Context>) => Promise<unknown>;
};

if (Number(crashAfter) > 0) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(crashAfter));

for (const event of JSON.parse(readFileSync(eventsFile, 'utf8')) as unknown[]) {
  const endsAt = Date.now() + timeoutMilliseconds;
  const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => endsAt - Date.now() };
  const answer = await handler(event, context).catch(({ name, message }: Error) => ({ error: `${name}: ${message}` }));
  appendFileSync(answersFile, `${JSON.stringify(answer)}\n`);
}
process.exit(0);
